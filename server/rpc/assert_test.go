package rpc_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got is must for a call's answer.
func got[T any](answer T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return answer
	}
}

// wantCode checks an error's status.
func wantCode(t testing.TB, err error, want codes.Code) *status.Status {
	t.Helper()
	if st := status.Convert(err); st.Code() == want {
		return st
	}
	t.Fatalf("got %v, want %v", err, want)
	return nil
}

// wantField checks that an error is INVALID_ARGUMENT and names a field.
func wantField(t testing.TB, err error, want string) {
	t.Helper()
	if field := fieldOf(wantCode(t, err, codes.InvalidArgument)); field != want {
		t.Fatalf("%v names the field %q, want %q", err, field, want)
	}
}

func fieldOf(st *status.Status) string {
	for _, d := range st.Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			return bad.GetFieldViolations()[0].GetField()
		}
	}
	return ""
}

// wantItemField is wantField for the error of an item.
func wantItemField(t testing.TB, err *statuspb.Status, want string) {
	t.Helper()
	wantField(t, status.FromProto(err).Err(), want)
}

// retryOf is the RetryInfo of an error; negative if there is none.
func retryOf(st *status.Status) time.Duration {
	for _, d := range st.Details() {
		if retry, ok := d.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay().AsDuration()
		}
	}
	return -1
}

func wantEOF(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, io.EOF) {
		t.Fatalf("got %v, want the end of the stream", err)
	}
}

const patience = 20 * time.Second

// patient is a context for calls that are expected to come back.
func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls for what nothing signals.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// receive answers what comes next on a stream, or fails.
func receive[T any](t testing.TB, stream interface{ Recv() (T, error) }) T {
	t.Helper()
	answer, err := stream.Recv()
	must(t, err)
	return answer
}
