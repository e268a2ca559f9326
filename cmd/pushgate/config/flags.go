package config

import (
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Flags is what a command embeds that works with the configuration. Once the
// command line is parsed all its fields hold what applies.
type Flags struct {
	Path   string `name:"config" placeholder:"FILE" help:"A YAML file with settings, as \"http: {address: …}\" for --http-address."`
	Config `embed:""`

	file    *file
	sources map[string]Source
	// Namespaces are what the file says, default among them.
	Namespaces []NamedNamespace `kong:"-"`
	// KafkaSources are what the file says.
	KafkaSources []NamedKafkaSource `kong:"-"`
	// Callers are what the file says.
	Callers []NamedCaller `kong:"-"`
}

const pathEnv = EnvPrefix + "CONFIG"

// BeforeResolve reads the file and the environment.
func (f *Flags) BeforeResolve(ctx *kong.Context) error {
	if f.file != nil {
		return nil
	}
	f.sources = map[string]Source{}
	if err := checkEnvironment(os.Environ(), ctx.Model); err != nil {
		return err
	}
	path := os.Getenv(pathEnv)
	for _, element := range ctx.Path {
		if element.Flag == nil {
			continue
		}
		if element.Flag.Name == "config" {
			path, _ = ctx.FlagValue(element.Flag).(string)
		}
		f.sources[element.Flag.Name] = Source{Kind: Flag, Name: element.Flag.Name}
	}
	var err error
	if f.file, err = readFile(path); err != nil {
		return err
	}
	ctx.AddResolver(f)
	return nil
}

// Resolve finds the value of a flag that was not given.
func (f *Flags) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.flag() == flag.Name })
	if i < 0 {
		return nil, nil
	}
	s := settings[i]
	text, source, found := f.lookup(s)
	if !found {
		return nil, nil
	}
	scratch := s.in(reflect.ValueOf(&Config{}).Elem())
	if err := s.parse(scratch, text); err != nil {
		return nil, problem(source, s.key, "%s", err)
	}
	f.sources[flag.Name] = source
	switch value := scratch.Interface().(type) { // kong knows fewer words for these
	case bool:
		return value, nil
	case []string:
		return strings.Join(value, ","), nil
	}
	return text, nil
}

// lookup answers the text from the environment or the file.
func (f *Flags) lookup(s setting) (text string, source Source, found bool) {
	if text := os.Getenv(s.env()); text != "" {
		return text, Source{Kind: Environment, Name: s.env()}, true
	}
	entry, found := f.file.values[s.key]
	return entry.text, f.file.at(entry.line), found
}

// Validate is part of kong's interface of resolvers; AfterApply checks the values.
func (f *Flags) Validate(*kong.Application) error { return nil }

// AfterApply completes the values and checks them.
func (f *Flags) AfterApply() error {
	var err error
	if f.Namespaces, err = f.file.readNamespaces(); err != nil {
		return err
	}
	if f.KafkaSources, err = f.file.readKafkaSources(); err != nil {
		return err
	}
	if f.Callers, err = f.file.readCallers(); err != nil {
		return err
	}
	if f.Node == "" {
		if f.Node, err = os.Hostname(); err != nil {
			return problem(Source{}, "node", "the host has no name (%v); set one", err)
		}
	}
	return f.check()
}

// source is where the value of a setting comes from.
func (f *Flags) source(key string) Source {
	s, _ := find(settings, key)
	return f.sources[s.flag()]
}

// problem is what is wrong with the value of a setting.
func (f *Flags) problem(key, format string, args ...any) *Problem {
	return problem(f.source(key), key, format, args...)
}
