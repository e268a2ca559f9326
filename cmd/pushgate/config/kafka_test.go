package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pushgate/consumer"
)

const kafkaHead = "kafka:\n  brokers: [localhost:9092]\n  sources:\n    orders:\n"

func TestKafkaIsOffWithoutBrokers(t *testing.T) {
	if c, on := mustLoad(t, sources{}).Consumer(); on {
		t.Errorf("on: %+v", c)
	}
}

func TestKafkaSources(t *testing.T) {
	f := mustLoad(t, sources{
		env: map[string]string{"PUSHGATE_KAFKA_BROKERS": "a:1,b:2", "PUSHGATE_KAFKA_SASL_PASSWORD": "hunter2"},
		yaml: `
kafka:
  sasl_mechanism: SCRAM-SHA-512
  sasl_username: ada
  sources:
    orders:
      topics: [orders, more]
      channel: "orders:{{.Key}}"
      headers: [trace]
      batch: {records: 10, linger: 5ms}
      dead_letter: dead
    Events:
      pattern: events-.*
      format: cloudevents
      start: latest
      on_bad_record: skip
`})
	c, on := f.Consumer()
	if !on || c.SASL != (consumer.SASL{Mechanism: "SCRAM-SHA-512", Username: "ada", Password: "hunter2"}) || len(c.Brokers) != 2 {
		t.Errorf("got %v %+v %v", on, c.SASL, c.Brokers)
	}
	orders, events := consumer.DefaultSource(), consumer.DefaultSource()
	orders.Name, orders.Topics, orders.DeadLetter = "orders", []string{"orders", "more"}, "dead"
	orders.Mapping.Channel, orders.Mapping.Headers = "orders:{{.Key}}", []string{"trace"}
	orders.BatchRecords, orders.Linger = 10, 5*time.Millisecond
	events.Name, events.Pattern, events.Start, events.OnBadRecord = "Events", "events-.*", consumer.Latest, consumer.Skip
	events.Mapping.Format = consumer.CloudEvents
	for i, want := range []consumer.Source{orders, events} {
		if got := c.Sources[i]; !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	text := printed(t, f)
	if strings.Contains(text, "hunter2") || !strings.Contains(text, "sasl_password: REDACTED") {
		t.Errorf("printed:\n%s", text)
	}
	again := mustLoad(t, sources{yaml: text})
	if second, _ := again.Consumer(); !reflect.DeepEqual(second.Sources, c.Sources) {
		t.Errorf("printed and read again:\n%+v\n%+v", second.Sources, c.Sources)
	}
}

// The defaults stand here and in consumer; they have to be the same.
func TestKafkaDefaultsAreTheConsumers(t *testing.T) {
	c, _ := mustLoad(t, sources{yaml: kafkaHead + "      topics: [a]\n"}).Consumer()
	source := consumer.DefaultSource()
	source.Name, source.Topics = "orders", []string{"a"}
	if !reflect.DeepEqual(c.Sources[0], source) {
		t.Errorf("got  %+v\nwant %+v", c.Sources[0], source)
	}
	d := consumer.DefaultConfig()
	if c.GroupID != d.GroupID || c.ClientID != d.ClientID || c.Memory != d.Memory || c.SessionTimeout != d.SessionTimeout || c.MaxPayload != d.MaxPayload {
		t.Errorf("got %+v", c)
	}
}

func TestKafkaProblems(t *testing.T) {
	for _, test := range []struct {
		name    string
		sources sources
		want    string
	}{
		{"no source", sources{env: map[string]string{"PUSHGATE_KAFKA_BROKERS": "a:1"}}, "kafka.sources: there is none; say which topics to read"},
		{"no topic", sources{yaml: kafkaHead + "      start: latest\n"}, "test.yaml:4: kafka.sources.orders.topics: there is none; name topics, or give a pattern"},
		{"a bad pattern", sources{yaml: kafkaHead + "      pattern: a[\n"}, "test.yaml:5: kafka.sources.orders.pattern: missing closing ]: `[`"},
		{"an unknown field", sources{yaml: kafkaHead + "      topics: [a]\n      channel: \"{{.Kee}}\"\n"}, "test.yaml:6: kafka.sources.orders.channel: there is no .Kee; there are .Topic, .Key, .Headers, .JSON and, with for_each, .Item"},
		{"not a template", sources{yaml: kafkaHead + "      topics: [a]\n      channel: \"{{.Key\"\n"}, "test.yaml:6: kafka.sources.orders.channel: unclosed action"},
		{"an unknown key", sources{yaml: kafkaHead + "      topic: [a]\n"}, "test.yaml:5: kafka.sources.orders.topic: there is no such key; did you mean topics?"},
		{"a source's name", sources{yaml: "kafka:\n  sources:\n    a.b: {}\n"}, "test.yaml:3: kafka.sources.a.b: the name of a source has letters, digits, - and _ only"},
		{"written down, not used", sources{yaml: "kafka:\n  sources:\n    a:\n      topics: ['?']\n"}, `test.yaml:4: kafka.sources.a.topics: "?" cannot be the name of a topic; for several, give a pattern`},
		{"in circles", sources{yaml: kafkaHead + "      topics: [a]\n      dead_letter: a\n"}, "test.yaml:6: kafka.sources.orders.dead_letter: a is read by the source orders: its records would go in circles"},
		{"an address", sources{env: map[string]string{"PUSHGATE_KAFKA_BROKERS": "a"}}, `PUSHGATE_KAFKA_BROKERS: "a" is not an address; write HOST:PORT, as localhost:9092`},
		{"half a certificate", sources{args: []string{"--kafka-tls", "--kafka-tls-cert=x"}}, "--kafka-tls-cert: certificate and key go together; set both kafka.tls_cert and kafka.tls_key"},
		{"TLS is off", sources{args: []string{"--kafka-tls-ca=x"}}, "--kafka-tls-ca: kafka.tls is off; set it to true"},
		{"mechanism", sources{yaml: kafkaHead + "      topics: [a]\n", args: []string{"--kafka-sasl-mechanism=x"}}, `--kafka-sasl-mechanism: "x" is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512`},
		{"no user", sources{yaml: kafkaHead + "      topics: [a]\n", args: []string{"--kafka-sasl-mechanism=PLAIN"}}, "kafka.sasl_username: there is none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(t, test.sources)
			var problem *Problem
			if !errors.As(err, &problem) || problem.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
