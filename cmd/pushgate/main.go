// Command pushgate is a push service: backends publish over gRPC, browsers
// subscribe over WebSocket, and what a durable subscriber has not acked waits
// for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"pushgate/cmd/pushgate/config"
)

// The exit codes.
const (
	exitFailure = 1 // it did not work
	exitUsage   = 2 // the command line or the configuration has to change
)

// commands are all there are.
type commands struct {
	Serve         serveCommand         `cmd:"" help:"Run a node."`
	Publish       publishCommand       `cmd:"" help:"Publish a message, or one for each line of standard input."`
	Subscribe     subscribeCommand     `cmd:"" help:"Print messages of channels as they come."`
	Channels      channelsCommand      `cmd:"" help:"List channels."`
	Subscriptions subscriptionsCommand `cmd:"" help:"List durable subscriptions."`
	Connections   connectionsCommand   `cmd:"" help:"List the open connections of a node."`
	Disconnect    disconnectCommand    `cmd:"" help:"Close connections of a node."`
	Key           keyCommand           `cmd:"" help:"Make keys for those who call by gRPC."`
	Token         tokenCommand         `cmd:"" help:"Make and check tokens of clients."`
	Revoke        revokeCommand        `cmd:"" help:"Make tokens of clients worthless before they expire."`
	Revocations   revocationsCommand   `cmd:"" help:"List the tokens that were revoked."`
	Drain         drainCommand         `cmd:"" help:"End a node in order, as SIGTERM does."`
	Reload        reloadCommand        `cmd:"" help:"Make a node read its configuration again, as SIGHUP does."`
	Migrate       migrateCommand       `cmd:"" help:"Bring the schema of the store to this program's version."`
	Config        configCommand        `cmd:"" help:"Print the configuration that applies, and where it comes from."`
	Version       versionCommand       `cmd:"" help:"Print the version."`
}

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is a mistake of the caller.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func main() {
	os.Exit(run(untilSignal(), os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// run answers the exit code.
func run(ctx context.Context, arguments []string, t terminal) int {
	if len(arguments) == 0 {
		arguments = []string{"--help"}
	}
	command, err := parse(ctx, &commands{}, arguments, t)
	if err != nil {
		return report(t.err, err, exitUsage)
	}
	if err := command.Run(); err != nil {
		return report(t.err, err, exitFailure)
	}
	return 0
}

// parse reads the command line into all, with the environment and the file.
func parse(ctx context.Context, all *commands, arguments []string, t terminal) (*kong.Context, error) {
	again := func() (*config.Flags, error) {
		all := &commands{}
		_, err := parse(ctx, all, arguments, t)
		return &all.Serve.Flags, err
	}
	return kong.Must(all,
		kong.Name("pushgate"),
		kong.Description("A push service: publish over gRPC, subscribe over WebSocket. Start with: pushgate serve"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ValueFormatter(config.Help),
		kong.Writers(t.out, t.err),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t, reread(again)),
	).Parse(arguments)
}

// report writes an error in one line and answers the exit code.
func report(out io.Writer, err error, code int) int {
	var problem *config.Problem
	var usage usageError
	if errors.As(err, &problem) || errors.As(err, &usage) {
		code = exitUsage
	}
	_, _ = fmt.Fprintln(out, "pushgate:", oneLine(err))
	return code
}

// oneLine is an error as a user is to see it.
func oneLine(err error) string {
	if problem, ok := errors.AsType[*config.Problem](err); ok {
		err = problem
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
