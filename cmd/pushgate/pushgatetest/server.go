package pushgatetest

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// Server is a node that serves. Its addresses stay what they are over Restart.
type Server struct {
	*Process
	// HTTP and GRPC are addresses, as 127.0.0.1:8080; WebSocket is a URL.
	HTTP, GRPC, WebSocket string
	// Dir is its working directory; there is its data unless the command says else.
	Dir string

	t       testing.TB
	command Command
}

// EnvPoller names the variable that sets http.poller for every node, to run the same
// tests with each.
const EnvPoller = "PUSHGATE_TEST_POLLER"

var greeting = [3]*regexp.Regexp{
	regexp.MustCompile(`^WebSocket +(wss?)://([^/]+)/ws\?channel=news `),
	regexp.MustCompile(`^gRPC +(?:https://)?(\S+)$`),
	regexp.MustCompile(`^Try: pushgate subscribe.* news .*pushgate publish.* news `),
}

// Start runs `pushgate serve` on free ports of loopback, with the arguments of
// the command after it, and waits until it serves.
func Start(t testing.TB, c Command) *Server {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	s := &Server{t: t, command: c, Dir: c.Dir, HTTP: "127.0.0.1:0", GRPC: "127.0.0.1:0"}
	s.start()
	return s
}

func (s *Server) start() {
	s.t.Helper()
	c := s.command
	arguments := []string{"serve", "--http-address", s.HTTP, "--grpc-address", s.GRPC}
	if poller := os.Getenv(EnvPoller); poller != "" {
		arguments = append(arguments, "--http-poller", poller)
	}
	c.Args = append(arguments, c.Args...)
	s.Process = Launch(s.t, c)
	var found [len(greeting)][]string
	for i, pattern := range greeting {
		line := s.Line()
		if found[i] = pattern.FindStringSubmatch(line); found[i] == nil {
			s.t.Fatalf("line %d of the greeting is %q", i+1, line)
		}
	}
	s.HTTP, s.GRPC = found[0][2], found[1][1]
	s.WebSocket = found[0][1] + "://" + s.HTTP + "/ws"
}

// Restart starts it again on the same addresses; it has to have ended.
func (s *Server) Restart() {
	s.t.Helper()
	s.Wait()
	s.start()
}

// Stop ends it in order, as SIGTERM does, and answers the exit code.
func (s *Server) Stop() int {
	s.t.Helper()
	s.Signal(syscall.SIGTERM)
	return s.Wait()
}

// Command is a client command that speaks to this server.
func (s *Server) Command(name string, args ...string) Command {
	return Command{
		Args: append([]string{name}, args...),
		Env:  []string{"PUSHGATE_GRPC_SERVER=" + s.GRPC, "PUSHGATE_WEBSOCKET_SERVER=" + s.WebSocket},
	}
}

// Publish publishes a message by the program and answers what it prints.
func (s *Server) Publish(channel, data string) string {
	s.t.Helper()
	r := Run(s.t, s.Command("publish", channel, data))
	if r.Code != 0 {
		s.t.Fatalf("publish: exit code %d: %s", r.Code, r.Err)
	}
	return strings.TrimSpace(r.Out)
}
