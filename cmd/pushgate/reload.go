package main

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

type reloadCommand struct {
	grpcFlags `embed:""`
}

// Run reloads the configuration and says what has changed, a setting a line. What could
// not be reloaded beside it is an error.
func (c *reloadCommand) Run(ctx context.Context, t terminal) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		r, err := pb.NewControlServiceClient(conn).ReloadConfiguration(ctx, &pb.ReloadConfigurationRequest{})
		if err != nil {
			return err
		}
		for _, key := range r.GetApplied() {
			if _, err := fmt.Fprintf(t.out, "applied        %s\n", key); err != nil {
				return err
			}
		}
		for _, key := range r.GetRestartRequired() {
			if _, err := fmt.Fprintf(t.out, "needs restart  %s\n", key); err != nil {
				return err
			}
		}
		if problems := r.GetProblems(); len(problems) > 0 {
			return fmt.Errorf("the settings apply; what goes on as it was: %s", strings.Join(problems, "; "))
		}
		if len(r.GetApplied())+len(r.GetRestartRequired()) == 0 {
			_, err = fmt.Fprintln(t.out, "nothing has changed")
		}
		return err
	})
}
