package config

import (
	"fmt"
	"io"
	"strings"
)

const introduction = "# Configuration\n\n" +
	"This page is written by `pushgate config --markdown > docs/configuration.md`; a test checks that it is fresh.\n\n" +
	"A flag wins over an environment variable, that over the file, and that over the default.\n" +
	"The file is YAML and is read only when `--config FILE` or `PUSHGATE_CONFIG` names it. Its keys nest, so\n" +
	"`--http-address`, `PUSHGATE_HTTP_ADDRESS` and this are one setting:\n\n" +
	"```yaml\nhttp:\n  address: 127.0.0.1:8080\n```\n\n" +
	"- Sizes are bytes, or whole numbers with a unit: `65536`, `64KiB`, `1MiB`, `2GiB`. Durations need one: `300ms`, `5s`, `1h30m`, `3d`.\n" +
	"- In a variable a list has commas: `PUSHGATE_HTTP_ALLOWED_ORIGINS=https://a.example,https://b.example`. An empty variable counts as not set.\n" +
	"- What cannot be (an unknown key or variable, a bad value) is answered with one line that says where it stands and what to change; the exit code is 2.\n" +
	"- `pushgate config` prints what applies, with the source of each value; passwords are redacted.\n" +
	"- What is *reloadable* applies without a restart after `kill -HUP`, `pushgate reload` or `ControlService.ReloadConfiguration`:\n" +
	"  [operations.md](operations.md#changing-settings-of-a-running-node).\n\n"

const namespacesIntroduction = "## namespaces\n\n" +
	"A namespace is the part of a channel's name before the first colon: `orders:42` is in `orders`. Its settings stand in the\n" +
	"file only. What a namespace does not set, it takes from `default`, which is also that of channels without a colon, and of\n" +
	"namespaces that are not named here.\n\n" +
	"```yaml\nnamespaces:\n  default:\n    retention: {age: 3d}\n  orders:\n    start: earliest\n    retention: {messages: 100000}\n  typing:\n    durable: false\n```\n\n"

const kafkaSourcesIntroduction = "## kafka.sources\n\n" +
	"What is read from Kafka, and what becomes of it; [kafka.md](kafka.md) explains it. The sources stand in the file only.\n\n" +
	"```yaml\nkafka:\n  brokers: [localhost:9092]\n  sources:\n    orders:\n      topics: [orders]\n      channel: orders:{{.Key}}\n      dead_letter: orders-dead\n```\n\n"

const callersIntroduction = "## callers\n\n" +
	"Who calls by gRPC, and what it may do; [security.md](security.md#who-calls-by-grpc) explains it. The callers stand in the file only.\n\n" +
	"```yaml\ncallers:\n  shop:\n    keys: [5f2c0b…]\n    publish: [\"orders:*\"]\n  prometheus:\n    keys: [9d01aa…]\n    control: read\n```\n\n"

// Markdown writes docs/configuration.md.
func Markdown(out io.Writer) error {
	var b strings.Builder
	b.WriteString(introduction)
	group := "general"
	table(&b, group, true)
	for _, s := range settings {
		if strings.Contains(s.key, ".") {
			continue
		}
		row(&b, s, true)
	}
	row(&b, setting{key: "config", tag: `help:"A YAML file with settings. Cannot stand in the file itself."`}, true)
	for _, s := range settings {
		head, _, inner := strings.Cut(s.key, ".")
		if !inner {
			continue
		}
		if head != group {
			group = head
			b.WriteString("\n")
			table(&b, group, true)
		}
		row(&b, s, true)
	}
	b.WriteString("\n" + namespacesIntroduction)
	table(&b, "", false)
	for _, s := range namespaceSettings {
		row(&b, s, false)
	}
	b.WriteString("\n" + kafkaSourcesIntroduction)
	table(&b, "", false)
	for _, s := range kafkaSourceSettings {
		row(&b, s, false)
	}
	b.WriteString("\n" + callersIntroduction)
	table(&b, "", false)
	for _, s := range callerSettings {
		row(&b, s, false)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func table(b *strings.Builder, title string, flags bool) {
	if title != "" {
		fmt.Fprintf(b, "## %s\n\n", title)
	}
	if flags {
		b.WriteString("| key | default | flag and variable | meaning |\n|---|---|---|---|\n")
		return
	}
	b.WriteString("| key | default | meaning |\n|---|---|---|\n")
}

func row(b *strings.Builder, s setting, flags bool) {
	fallback := s.tag.Get("default")
	if fallback != "" {
		fallback = "`" + fallback + "`"
	}
	fmt.Fprintf(b, "| `%s` | %s | ", s.key, fallback)
	if flags {
		fmt.Fprintf(b, "`--%s` `%s` | ", s.flag(), s.env())
	}
	help := strings.ReplaceAll(s.tag.Get("help"), "|", "\\|")
	if s.live() {
		help += " *Reloadable.*"
	}
	fmt.Fprintf(b, "%s |\n", help)
}
