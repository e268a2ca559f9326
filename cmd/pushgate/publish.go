package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "pushgate/proto/gen/pushgate/v1"
)

type publishCommand struct {
	grpcFlags   `embed:""`
	Channel     string            `arg:"" help:"The channel."`
	Data        string            `arg:"" optional:"" help:"The payload; - reads it from standard input, without its last line end. What is not JSON is published as text/plain, and what is not text either as application/octet-stream, unless --content-type says what it is."`
	Lines       bool              `name:"lines" help:"Publish each line of standard input as a message of its own. Empty lines are passed over."`
	ContentType string            `name:"content-type" placeholder:"TYPE" help:"The media type of the payload, which is then published as it is."`
	MessageID   string            `name:"message-id" placeholder:"ID" help:"The idempotency key: a second message with it is not stored."`
	TTL         time.Duration     `name:"ttl" placeholder:"DURATION" help:"How long the message may be delivered. Otherwise as long as its namespace retains it."`
	Ephemeral   bool              `name:"ephemeral" help:"Hand it to who is online now, and store nothing."`
	Header      map[string]string `name:"header" placeholder:"KEY=VALUE" mapsep:"none" help:"What goes to the subscribers with the message. May be repeated."`
}

// Run publishes, and prints the seq of each message.
func (c *publishCommand) Run(ctx context.Context, t terminal) error {
	switch {
	case c.Lines && c.Data != "" && c.Data != "-":
		return usageError{"--lines reads standard input; leave the payload out"}
	case c.Lines && c.MessageID != "":
		return usageError{"--message-id is of one message; it does not go with --lines"}
	case c.Lines:
		return c.publishLines(ctx, t)
	case c.Data == "":
		return usageError{"the payload is missing; give it, or - to read it from standard input, or --lines"}
	}
	data := []byte(c.Data)
	if c.Data == "-" {
		var err error
		if data, err = io.ReadAll(t.in); err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
		if c.ContentType == "" {
			data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
		}
	}
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := pb.NewPublishServiceClient(conn).Publish(ctx, c.request(data))
		if err != nil {
			return err
		}
		return printPublished(t.out, answer)
	})
}

func (c *publishCommand) request(data []byte) *pb.PublishRequest {
	r := &pb.PublishRequest{
		Channel: c.Channel, Data: data, ContentType: c.ContentType, MessageId: c.MessageID,
		Headers: c.Header, Ephemeral: c.Ephemeral,
	}
	if r.ContentType == "" {
		r.ContentType = guess(data)
	}
	if c.TTL != 0 {
		r.Ttl = durationpb.New(c.TTL)
	}
	return r
}

// guess is the content type of a payload that nobody named one for.
func guess(data []byte) string {
	switch {
	case json.Valid(data):
		return ""
	case utf8.Valid(data):
		return "text/plain"
	default:
		return "application/octet-stream"
	}
}

func printPublished(out io.Writer, p *pb.PublishResponse) (err error) {
	switch {
	case p.GetSeq() == 0:
		_, err = fmt.Fprintln(out, "ephemeral")
	case p.GetDuplicate():
		_, err = fmt.Fprintf(out, "seq %d (duplicate)\n", p.GetSeq())
	default:
		_, err = fmt.Fprintf(out, "seq %d\n", p.GetSeq())
	}
	return err
}
