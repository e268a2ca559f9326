package config

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// namedNode is one of the settings that have names of the operator's: a
// namespace, or a source.
type namedNode struct {
	name string
	line int
	node ast.Node
}

// fillDefaults puts the defaults of settings into their struct.
func fillDefaults(into reflect.Value, settings []setting) error {
	for _, s := range settings {
		if err := s.parse(s.in(into), s.tag.Get("default")); err != nil {
			return err
		}
	}
	return nil
}

// fill reads a mapping of the file into a struct, and answers where each setting
// that it gives stands.
func (f *file) fill(into reflect.Value, settings []setting, key string, node ast.Node) (map[string]Source, error) {
	values, sources := map[string]entry{}, map[string]Source{}
	w := walker{file: f, anchors: f.anchors, settings: settings, prefix: key + "."}
	if err := w.group("", node, values); err != nil {
		return nil, err
	}
	for _, s := range settings {
		entry, found := values[s.key]
		if !found {
			continue
		}
		value := s.in(into)
		err := s.parse(value, entry.text)
		if err == nil {
			err = s.check(value)
		}
		if err != nil {
			return nil, f.problem(entry.line, w.prefix+s.key, "%s", err)
		}
		sources[s.key] = f.at(entry.line)
	}
	return sources, nil
}
