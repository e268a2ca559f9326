package consumer

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config holds the settings of a Consumer. DefaultConfig fills what has a default.
type Config struct {
	Brokers  []string // to begin with, as host:port
	TLS      *tls.Config
	SASL     SASL
	ClientID string
	// GroupID names the consumer group, and the positions in the store: with
	// another one everything is read anew.
	GroupID string
	Sources []Source

	// MaxPayload is the largest payload that the Publisher takes; bytes.
	MaxPayload int
	// Memory bounds what is read ahead over all partitions; bytes.
	Memory int
	// SessionTimeout is how long the group waits for a member that has died.
	SessionTimeout time.Duration

	Logger   *slog.Logger
	Registry prometheus.Registerer

	timing timing
}

// SASL says how to authenticate at the brokers.
type SASL struct {
	// Mechanism is "", Plain, SCRAM256 or SCRAM512.
	Mechanism          string
	Username, Password string
}

// The mechanisms.
const (
	Plain    = "PLAIN"
	SCRAM256 = "SCRAM-SHA-256"
	SCRAM512 = "SCRAM-SHA-512"
)

// timing is what tests set lower.
type timing struct {
	request     time.Duration // one request to a broker, and connecting
	wait        time.Duration // of a fetch for the first record
	metadata    time.Duration // between two looks at the topics
	lag         time.Duration // between two measurements
	commit      time.Duration // between two commits of offsets
	rejoin      time.Duration // after a failure to join the group
	rebalance   time.Duration // that the group gives its members to come back
	retry       time.Duration // the first pause after a failure
	retryMost   time.Duration // the longest
	stuck       time.Duration // without progress a partition counts as stuck
	truncated   time.Duration // a log that ends before the position is given, to show the rest
	deadLetters time.Duration // for one write
}

// DefaultConfig holds the settings that fit most.
func DefaultConfig() Config {
	return Config{
		ClientID:       "pushgate",
		GroupID:        "pushgate",
		MaxPayload:     1 << 20,
		Memory:         64 << 20,
		SessionTimeout: 10 * time.Second,
		Logger:         slog.New(slog.DiscardHandler),
		Registry:       prometheus.NewRegistry(),
		timing: timing{
			request: 5 * time.Second, wait: 400 * time.Millisecond, metadata: 3 * time.Second, lag: 5 * time.Second,
			commit: 100 * time.Millisecond, rejoin: 500 * time.Millisecond, rebalance: 30 * time.Second,
			retry: 100 * time.Millisecond, retryMost: 5 * time.Second, stuck: 30 * time.Second,
			truncated: 10 * time.Second, deadLetters: 5 * time.Second,
		},
	}
}

// KeyError says which setting cannot be, by its path, and why.
type KeyError struct{ Key, Text string }

func (e *KeyError) Error() string { return e.Key + ": " + e.Text }

func badKey(key, format string, args ...any) *KeyError {
	return &KeyError{Key: key, Text: fmt.Sprintf(format, args...)}
}

// Validate names the first setting that cannot be; its error is a *KeyError.
func (c Config) Validate() error {
	switch {
	case len(c.Brokers) == 0:
		return badKey("brokers", "there is none; name at least one, as localhost:9092")
	case c.GroupID == "" || len(c.GroupID) > 255:
		return badKey("group", "%q is not a group's name: 1 to 255 bytes", c.GroupID)
	case len(c.Sources) == 0:
		return badKey("sources", "there is none; say which topics to read")
	case c.Memory < 1<<20:
		return badKey("memory", "%d bytes are too little; the least is 1 MiB", c.Memory)
	case c.SessionTimeout < time.Second:
		return badKey("session_timeout", "%s is too little; the least is 1s", c.SessionTimeout)
	}
	switch c.SASL.Mechanism {
	case "":
		if c.SASL.Username != "" {
			return badKey("sasl_mechanism", "there is none, but a user name")
		}
	case Plain, SCRAM256, SCRAM512:
		if c.SASL.Username == "" {
			return badKey("sasl_username", "there is none")
		}
	default:
		return badKey("sasl_mechanism", "%q is not one of %s, %s, %s", c.SASL.Mechanism, Plain, SCRAM256, SCRAM512)
	}
	named := map[string]string{}
	for _, s := range c.Sources {
		if err := s.validate(); err != nil {
			return badKey("sources."+s.Name+"."+err.Key, "%s", err.Text)
		}
		for _, topic := range s.Topics {
			if other, taken := named[topic]; taken {
				return badKey("sources."+s.Name+".topics", "%s is read by the source %s already", topic, other)
			}
			named[topic] = s.Name
		}
	}
	for _, s := range c.Sources {
		if reader, taken := named[s.DeadLetter]; taken {
			return badKey("sources."+s.Name+".dead_letter", "%s is read by the source %s: its records would go in circles", s.DeadLetter, reader)
		}
	}
	return nil
}
