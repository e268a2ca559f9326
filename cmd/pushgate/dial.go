package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// maxAnswer bounds what a server may answer in one message, in bytes.
const maxAnswer = 64 << 20

// grpcFlags is what a command embeds that speaks gRPC to a node.
type grpcFlags struct {
	Server  string `name:"server" placeholder:"HOST:PORT" default:"127.0.0.1:9090" env:"PUSHGATE_GRPC_SERVER" help:"The node's gRPC address; https://HOST:PORT for one behind TLS."`
	trust   `embed:""`
	apiKey  `embed:""`
	Timeout time.Duration `name:"timeout" default:"10s" help:"How long to wait for each answer."`
}

// dial makes the connection; it is opened by the first call.
func (f grpcFlags) dial() (*grpc.ClientConn, error) {
	target, secure := f.Server, false
	if scheme, rest, found := strings.Cut(f.Server, "://"); found {
		if target, secure = rest, strings.EqualFold(scheme, "https"); !secure {
			return nil, usageError{fmt.Sprintf("--server: %q is not an address; write HOST:PORT, or https://HOST:PORT for a node behind TLS", f.Server)}
		}
	}
	transport := insecure.NewCredentials()
	if secure {
		c, err := f.config()
		if err != nil {
			return nil, err
		}
		transport = credentials.NewTLS(c)
	}
	key, err := f.bearer(target, secure)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(transport), grpc.WithUnaryInterceptor(f.limit), grpc.WithPerRPCCredentials(key),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer), grpc.MaxCallSendMsgSize(maxAnswer)))
	if err != nil {
		return nil, usageError{fmt.Sprintf("--server: %q is not an address; write HOST:PORT", f.Server)}
	}
	return conn, nil
}

// limit gives each call its deadline: a listing makes one for each page.
func (f grpcFlags) limit(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	return invoke(ctx, method, request, answer, conn, options...)
}

// call runs do with a connection, and explains its error.
func (f grpcFlags) call(ctx context.Context, do func(context.Context, *grpc.ClientConn) error) error {
	conn, err := f.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return f.explain(do(ctx, conn))
}

// explain brings a call's error into words.
func (f grpcFlags) explain(err error) error {
	s, ok := status.FromError(err)
	reason := lastPart(s.Message())
	switch {
	case err == nil || !ok:
		return err
	case s.Code() == codes.Unavailable && strings.Contains(s.Message(), "x509: "):
		return fmt.Errorf("the certificate of %s cannot be trusted; --ca names the authority that has signed it (%s)", f.Server, reason)
	case s.Code() == codes.Unavailable && strings.Contains(s.Message(), "server preface"):
		return fmt.Errorf("%s does not speak gRPC in plain text; for a node behind TLS write --server https://%s (%s)", f.Server, f.Server, reason)
	case s.Code() == codes.Unauthenticated && !f.given():
		return fmt.Errorf("%s: %s; --api-key-file or PUSHGATE_API_KEY gives a key", s.Code(), s.Message())
	case s.Code() == codes.Unavailable && strings.HasPrefix(s.Message(), "connection error"),
		s.Code() == codes.Unavailable && strings.HasPrefix(s.Message(), "name resolver error"):
		return fmt.Errorf("no connection to %s; does pushgate serve run there? --server names another (%s)", f.Server, reason)
	case s.Code() == codes.DeadlineExceeded:
		return fmt.Errorf("no answer from %s within --timeout (%s)", f.Server, f.Timeout)
	default:
		return fmt.Errorf("%s: %s", s.Code(), s.Message())
	}
}

// lastPart is the innermost reason of a chain of errors.
func lastPart(message string) string {
	return strings.Trim(message[strings.LastIndex(message, ": ")+1:], ` "`)
}
