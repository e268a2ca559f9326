package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"pushgate/push"
	"pushgate/push/wire"
)

// statusCodes is the one table from the engine's codes to gRPC's.
var statusCodes = map[wire.Code]codes.Code{
	wire.CodeInvalidArgument:    codes.InvalidArgument,
	wire.CodeUnauthenticated:    codes.Unauthenticated,
	wire.CodePermissionDenied:   codes.PermissionDenied,
	wire.CodeNotFound:           codes.NotFound,
	wire.CodeAlreadyExists:      codes.AlreadyExists,
	wire.CodeResourceExhausted:  codes.ResourceExhausted,
	wire.CodeFailedPrecondition: codes.FailedPrecondition,
	wire.CodeUnavailable:        codes.Unavailable,
	wire.CodeInternal:           codes.Internal,
}

// statusOf is a refusal as its cause sees it.
func statusOf(e *push.Error) *status.Status {
	code, ok := statusCodes[e.Code]
	if !ok {
		code = codes.Internal
	}
	st := status.New(code, e.Message)
	var details []protoadapt.MessageV1
	if e.Field != "" {
		details = append(details, &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: e.Field, Description: e.Message}},
		})
	}
	if e.RetryAfter > 0 {
		details = append(details, retryInfo(e.RetryAfter))
	}
	if len(details) == 0 {
		return st
	}
	detailed, err := st.WithDetails(details...)
	if err != nil {
		return st
	}
	return detailed
}

func retryInfo(after time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(after)}
}

// status is any error as a caller may see it. What is internal is logged and
// not shown. When the caller's own context is over, that is what it is told:
// the outcome is as unknown to it as it is here.
func (s *Server) status(ctx context.Context, err error) *status.Status {
	e := push.AsError(err)
	switch {
	case e.Code == wire.CodeUnavailable && ctx.Err() != nil:
		return status.FromContextError(ctx.Err())
	case e.Code == wire.CodeInternal:
		s.faults.report(ctx, err)
	}
	return statusOf(e)
}

// fail is status as the error of a call. An error that is a status already
// stays what it is.
func (s *Server) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var known interface{ GRPCStatus() *status.Status }
	if errors.As(err, &known) {
		return err
	}
	return s.status(ctx, err).Err()
}

func invalid(field, format string, args ...any) *push.Error {
	return &push.Error{Code: wire.CodeInvalidArgument, Field: field, Message: fmt.Sprintf(format, args...)}
}

// retrySpread is the time within which callers that were sent away come back.
const retrySpread = time.Second

// errDraining ends streams when the server stops.
var errDraining = statusOf(&push.Error{
	Code: wire.CodeUnavailable, Message: "the node is shutting down; try another", RetryAfter: retrySpread,
}).Err()
