package consumer

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"pushgate/consumer/broker"
)

// Headers of a dead letter, behind those of the record.
const (
	letterTopic     = "pushgate-topic"
	letterPartition = "pushgate-partition"
	letterOffset    = "pushgate-offset"
	letterReason    = "pushgate-reason"
	letterError     = "pushgate-error"
	letterTime      = "pushgate-time"
	letterOmitted   = "pushgate-omitted" // the value is not there, it was too large
)

// deadLetters writes records that cannot become messages to topics of their own.
type deadLetters struct {
	writer    *kafka.Writer
	transport *kafka.Transport
	timeout   time.Duration
}

func newDeadLetters(d *broker.Dialer, timing timing) *deadLetters {
	transport := &kafka.Transport{Dial: d.Net, ClientID: d.ClientID, SASL: d.SASL, DialTimeout: timing.request}
	return &deadLetters{
		transport: transport,
		timeout:   timing.deadLetters,
		writer: &kafka.Writer{
			Addr: kafka.TCP(d.Brokers...), Transport: transport,
			RequiredAcks: kafka.RequireAll,
			MaxAttempts:  1, // the worker tries again, and can be seen to
			BatchTimeout: time.Millisecond,
			BatchBytes:   maxLetter,
			WriteTimeout: timing.deadLetters,
		},
	}
}

// maxLetter is far above what a broker takes: it is the broker who refuses.
const maxLetter = 64 << 20

func (d *deadLetters) close() {
	_ = d.writer.Close() // it has nothing left: every write was waited for
	d.transport.CloseIdleConnections()
}

// write answers the letters that are left to be written, if it fails: all others
// are where they have to be.
func (d *deadLetters) write(ctx context.Context, letters []kafka.Message) ([]kafka.Message, error) {
	// A rebalance does not cut it off: the letters would be written twice.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.timeout)
	defer cancel()
	letters, err := left(letters, d.writer.WriteMessages(ctx, letters...))
	if !tooLarge(err) {
		return letters, err
	}
	// A broker refuses a batch as a whole: which letter was too large shows when
	// each goes alone.
	for len(letters) > 0 {
		err := d.writer.WriteMessages(ctx, letters[0])
		if tooLarge(err) {
			stripped := letters[0]
			stripped.Value = nil
			stripped.Headers = append(slices.Clip(stripped.Headers),
				kafka.Header{Key: letterOmitted, Value: []byte("value")})
			err = d.writer.WriteMessages(ctx, stripped)
		}
		if err != nil {
			return letters, err
		}
		letters = letters[1:]
	}
	return nil, nil
}

// left are those that the error is about.
func left(letters []kafka.Message, err error) ([]kafka.Message, error) {
	var each kafka.WriteErrors
	if err == nil || !errors.As(err, &each) {
		return letters, err
	}
	var failed []kafka.Message
	for i, e := range each {
		if e != nil {
			failed, err = append(failed, letters[i]), e
		}
	}
	return failed, err
}

func tooLarge(err error) bool {
	if each, ok := errors.AsType[kafka.WriteErrors](err); ok {
		return slices.ContainsFunc(each, func(e error) bool { return errors.Is(e, kafka.MessageSizeTooLarge) })
	}
	return errors.Is(err, kafka.MessageSizeTooLarge)
}

func letter(topic string, from broker.Partition, e badEntry, now time.Time) kafka.Message {
	m := kafka.Message{Topic: topic, Key: e.record.Key, Value: e.record.Value}
	for _, h := range e.record.Headers {
		m.Headers = append(m.Headers, kafka.Header{Key: h.Name, Value: h.Value})
	}
	for _, h := range []struct{ name, value string }{
		{letterTopic, from.Topic},
		{letterPartition, strconv.Itoa(from.ID)},
		{letterOffset, strconv.FormatInt(e.record.Offset, 10)},
		{letterReason, e.why.reason},
		{letterError, e.why.text},
		{letterTime, now.UTC().Format(time.RFC3339Nano)},
	} {
		m.Headers = append(m.Headers, kafka.Header{Key: h.name, Value: []byte(h.value)})
	}
	if e.record.TooLong {
		m.Headers = append(m.Headers, kafka.Header{Key: letterOmitted, Value: []byte("too long to be read")})
	}
	return m
}

// bury deals with the bad records of a batch as the source says.
func (w *worker) bury(ctx context.Context, b *batch) error {
	switch {
	case len(b.bad) == 0:
		return nil
	case w.source.DeadLetter == "" && w.source.OnBadRecord == Halt:
		b.stopAtBad()
		return nil
	case w.source.DeadLetter == "":
		w.note(b, w.metrics.skipped, "bad records were skipped")
		return nil
	}
	w.progress.begin("writing dead letters")
	letters := make([]kafka.Message, len(b.bad))
	for i, e := range b.bad {
		letters[i] = letter(w.source.DeadLetter, w.progress.Partition, e, time.Now())
	}
	for {
		var err error
		if letters, err = w.deadLetters.write(ctx, letters); err == nil {
			w.note(b, w.metrics.deadLetters, "bad records went to the dead-letter topic")
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.retrying("dead_letter", err)
		if !w.backoff.wait(ctx) {
			return ctx.Err()
		}
	}
}

// note counts the bad records, which are dealt with, and says so in one line.
func (w *worker) note(b *batch, counter *prometheus.CounterVec, what string) {
	for _, e := range b.bad {
		counter.WithLabelValues(w.source.Name, e.why.reason).Inc()
	}
	w.logger.Warn(what, "records", len(b.bad), "offset", b.bad[0].record.Offset, "reason", b.bad[0].why.text)
	b.bad = nil
}
