package config

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"time"

	"pushgate/consumer"
)

// Kafka is where records come from, if brokers are named.
type Kafka struct {
	Brokers        []string `name:"brokers" placeholder:"HOST:PORT" help:"Kafka brokers to begin with, as localhost:9092. Empty: nothing is read from Kafka. The brokers have to be of Kafka 3.1 or newer."`
	Group          string   `name:"group" placeholder:"NAME" default:"pushgate" help:"The consumer group. The positions in the store belong to it: with another name everything is read anew."`
	ClientID       string   `name:"client-id" placeholder:"NAME" default:"pushgate" help:"What the brokers know this program by."`
	TLS            bool     `name:"tls" default:"false" help:"Connect by TLS."`
	TLSCA          string   `name:"tls-ca" placeholder:"FILE" help:"Certificates (PEM) to trust instead of the system's."`
	TLSCert        string   `name:"tls-cert" placeholder:"FILE" help:"Certificate (PEM) to show to the brokers; with kafka.tls_key."`
	TLSKey         string   `name:"tls-key" placeholder:"FILE" help:"Its key (PEM)."`
	TLSServerName  string   `name:"tls-server-name" placeholder:"NAME" help:"The name to expect in the brokers' certificates instead of their addresses."`
	SASLMechanism  string   `name:"sasl-mechanism" placeholder:"NAME" help:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. Empty: no authentication."`
	SASLUsername   string   `name:"sasl-username" placeholder:"NAME" help:"The user to authenticate as."`
	SASLPassword   string   `name:"sasl-password" placeholder:"PASSWORD" help:"The user's password. On a command line others can see it: better use the variable." secret:"true"`
	Memory         Size     `name:"memory" placeholder:"SIZE" default:"64MiB" min:"1048576" help:"What may be read ahead, over all partitions."`
	SessionTimeout Duration `name:"session-timeout" placeholder:"DURATION" default:"10s" min:"1000000000" help:"After so long without a sign of life the group gives a node's partitions to others. The brokers bound it (6s to 30m unless they say else)."`
}

// KafkaSource is one of kafka.sources.
type KafkaSource struct {
	Topics      []string `name:"topics" help:"The topics to read."`
	Pattern     string   `name:"pattern" help:"Or a regular expression that fits the topics' whole names; topics that come later are read too."`
	Start       string   `name:"start" enum:"earliest,latest" default:"earliest" help:"Where a topic starts of which nothing was read yet: earliest or latest."`
	Channel     string   `name:"channel" default:"{{.Key}}" help:"The channel: a name, or a template over .Topic, .Key, .Headers.NAME, .JSON.FIELD and .Item, as orders:{{.Key}}."`
	ForEach     string   `name:"for-each" help:"A top-level field of the JSON payload that is a list: one message for each of its items, which the channel's template sees as .Item."`
	Format      string   `name:"format" enum:"raw,cloudevents" default:"raw" help:"What the records are: raw payloads, or cloudevents (binary or structured)."`
	ContentType string   `name:"content-type" help:"The payload's content type where no header content-type tells it. Empty: application/json."`
	Headers     []string `name:"headers" help:"The record's headers that become headers of the message."`
	DeadLetter  string   `name:"dead-letter" help:"The topic for records that cannot become messages. It has to exist."`
	OnBadRecord string   `name:"on-bad-record" enum:"skip,stop" default:"stop" help:"What happens to them without that topic: skip them, or stop the partition until somebody has dealt with it."`
	Batch       Batch    `embed:"" prefix:"batch-"`
}

// Batch bounds what is stored in one transaction.
type Batch struct {
	Records int      `name:"records" default:"512" min:"1" max:"10000" help:"Records, and messages, of one transaction. A single record may become more."`
	Bytes   Size     `name:"bytes" default:"1MiB" min:"1" help:"The same, in bytes of records."`
	Linger  Duration `name:"linger" default:"2ms" help:"How long to wait for more while records come in numbers; at most 1s."`
}

// NamedKafkaSource is a source of the configuration, complete.
type NamedKafkaSource struct {
	Name string
	KafkaSource
	line    int               // where it begins in the file
	sources map[string]Source // of what the file says for it
}

// readKafkaSources decodes what stands under kafka.sources.
func (f *file) readKafkaSources() ([]NamedKafkaSource, error) {
	var all []NamedKafkaSource
	for _, named := range f.kafkaSources {
		n := NamedKafkaSource{Name: named.name, line: named.line}
		into, key := reflect.ValueOf(&n.KafkaSource).Elem(), "kafka.sources."+named.name
		if !sourceName.MatchString(named.name) {
			return nil, f.problem(named.line, key, "the name of a source has letters, digits, - and _ only")
		}
		err := fillDefaults(into, kafkaSourceSettings)
		if err == nil {
			n.sources, err = f.fill(into, kafkaSourceSettings, key, named.node)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// sourceName keeps the paths of keys clear: no dots.
var sourceName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Consumer is the configuration of the Kafka consumer, but for TLS, its logger
// and its registry. ok is false when nothing is to be read.
func (f *Flags) Consumer() (_ consumer.Config, ok bool) {
	k := f.Kafka
	c := consumer.DefaultConfig()
	c.Brokers, c.GroupID, c.ClientID = k.Brokers, k.Group, k.ClientID
	c.SASL = consumer.SASL{Mechanism: k.SASLMechanism, Username: k.SASLUsername, Password: k.SASLPassword}
	c.Memory, c.SessionTimeout = int(k.Memory), time.Duration(k.SessionTimeout)
	c.MaxPayload = int(f.Limits.MaxPayload)
	for _, s := range f.KafkaSources {
		c.Sources = append(c.Sources, s.consumer())
	}
	return c, len(k.Brokers) > 0
}

func (s NamedKafkaSource) consumer() consumer.Source {
	return consumer.Source{
		Name: s.Name, Topics: s.Topics, Pattern: s.Pattern,
		Start: consumer.Start(s.Start), DeadLetter: s.DeadLetter, OnBadRecord: consumer.OnBadRecord(s.OnBadRecord),
		BatchRecords: s.Batch.Records, BatchBytes: int(s.Batch.Bytes), Linger: time.Duration(s.Batch.Linger),
		Mapping: consumer.Mapping{
			Channel: s.Channel, ForEach: s.ForEach, Format: consumer.Format(s.Format),
			ContentType: s.ContentType, Headers: s.Headers,
		},
	}
}

// checkKafka names the first thing of Kafka's that cannot be, even if no broker
// is named: what is written down is meant.
func (f *Flags) checkKafka() error {
	for _, address := range f.Kafka.Brokers {
		if !isAddress(address) {
			return f.problem("kafka.brokers", "%q is not an address; write HOST:PORT, as localhost:9092", address)
		}
	}
	for _, file := range []struct{ key, value string }{
		{"tls_ca", f.Kafka.TLSCA}, {"tls_cert", f.Kafka.TLSCert}, {"tls_key", f.Kafka.TLSKey}, {"tls_server_name", f.Kafka.TLSServerName},
	} {
		if file.value != "" && !f.Kafka.TLS {
			return f.problem("kafka."+file.key, "kafka.tls is off; set it to true")
		}
	}
	if (f.Kafka.TLSCert == "") != (f.Kafka.TLSKey == "") {
		return f.problem("kafka.tls_cert", "certificate and key go together; set both kafka.tls_cert and kafka.tls_key")
	}
	c, on := f.Consumer()
	if !on {
		if len(c.Sources) == 0 {
			return nil
		}
		c.Brokers = []string{"checked below"}
	}
	var bad *consumer.KeyError
	if err := c.Validate(); !errors.As(err, &bad) {
		return err
	}
	name, key, _ := strings.Cut(strings.TrimPrefix(bad.Key, "sources."), ".")
	for _, s := range f.KafkaSources {
		if s.Name != name || bad.Key == "sources" {
			continue
		}
		source, given := s.sources[key]
		if !given {
			source = f.file.at(s.line)
		}
		return problem(source, "kafka."+bad.Key, "%s", bad.Text)
	}
	return f.problem("kafka."+bad.Key, "%s", bad.Text)
}
