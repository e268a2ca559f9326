package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
)

// Print writes what applies as YAML that could be given as a file, with the
// source of each value in a comment. Passwords are redacted.
func (f *Flags) Print(out io.Writer) error {
	var b strings.Builder
	p := printer{out: &b}
	for i, s := range settings {
		p.setting("", s, s.in(reflect.ValueOf(&f.Config).Elem()), f.source(s.key))
		const group = "kafka."
		if strings.HasPrefix(s.key, group) && !strings.HasPrefix(settings[i+1].key, group) {
			p.kafkaSources(f.KafkaSources)
		}
	}
	b.WriteString("namespaces:\n")
	for _, n := range f.Namespaces {
		fmt.Fprintf(&b, "  %s:\n", quote(n.Name))
		p.group = ""
		for _, s := range namespaceSettings {
			source, given := n.sources[s.key]
			p.inherited = !given && n.Name != defaultNamespace
			p.setting("    ", s, s.in(reflect.ValueOf(&n.Namespace).Elem()), source)
		}
	}
	if len(f.Callers) > 0 {
		b.WriteString("callers:\n")
	}
	for _, n := range f.Callers {
		fmt.Fprintf(&b, "  %s:\n", quote(n.Name))
		p.group, p.inherited = "", false
		for _, s := range callerSettings {
			p.setting("    ", s, s.in(reflect.ValueOf(&n.Caller).Elem()), n.sources[s.key])
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

type printer struct {
	out   *strings.Builder
	group string
	// inherited values come from the namespace default.
	inherited bool
}

func (p *printer) setting(indent string, s setting, value reflect.Value, source Source) {
	group, name, inner := strings.Cut(s.key, ".")
	if !inner {
		group, name = "", s.key
	}
	if inner && group != p.group {
		fmt.Fprintf(p.out, "%s%s:\n", indent, group)
	}
	p.group = group
	if inner {
		indent += "  "
	}
	origin := source.String()
	if p.inherited {
		origin = "namespaces." + defaultNamespace
	}
	line := indent + name + ": " + scalar(s, value)
	fmt.Fprintf(p.out, "%-48s # %s\n", line, origin)
}

func (p *printer) kafkaSources(sources []NamedKafkaSource) {
	if len(sources) == 0 {
		return
	}
	p.out.WriteString("  sources:\n")
	for _, n := range sources {
		fmt.Fprintf(p.out, "    %s:\n", quote(n.Name))
		p.group = ""
		for _, s := range kafkaSourceSettings {
			p.setting("      ", s, s.in(reflect.ValueOf(&n.KafkaSource).Elem()), n.sources[s.key])
		}
	}
	p.group = ""
}

func scalar(s setting, value reflect.Value) string {
	switch {
	case s.secret() && value.String() != "":
		return redacted
	case s.key == "store.url":
		return quote(redact(value.String()))
	case value.Kind() == reflect.String:
		return quote(value.String())
	case value.Kind() == reflect.Slice:
		items := make([]string, value.Len())
		for i := range items {
			item := value.Index(i).String()
			if s.key == "token.jwks_urls" {
				item = redactQuery(item)
			}
			items[i] = quote(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	default:
		return fmt.Sprint(value.Interface())
	}
}

// quote writes text as a YAML scalar.
func quote(text string) string {
	out, err := yaml.Marshal(text)
	if err != nil || strings.ContainsAny(text, "\n#,[]{}") {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSuffix(string(out), "\n")
}
