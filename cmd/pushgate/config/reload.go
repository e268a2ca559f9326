package config

import (
	"maps"
	"reflect"
	"slices"
)

// Change is a setting that another reading of the configuration gives another value.
type Change struct {
	Key string // as in the file: limits.max_payload
	// Live settings apply at once, others when the process starts again.
	Live bool
}

// Reload answers what applies in a running process when next is what another
// reading found, and what has changed: the live settings are those of next, all
// others stay. f and next stay what they are.
func (f *Flags) Reload(next *Flags) (*Flags, []Change, error) {
	merged := *f
	merged.sources = maps.Clone(f.sources)
	changes := merge(reflect.ValueOf(&merged.Config).Elem(), reflect.ValueOf(&next.Config).Elem(), settings, "")
	for _, s := range settings {
		if s.live() {
			merged.sources[s.flag()] = next.sources[s.flag()]
		}
	}
	var of []Change
	merged.Namespaces, of = mergeNamespaces(f.Namespaces, next.Namespaces)
	changes = append(changes, of...)
	changes = append(changes, changedSources(f.KafkaSources, next.KafkaSources)...)
	return &merged, changes, merged.check()
}

// live says that the setting may change while the process runs.
func (s setting) live() bool { return s.tag.Get("reload") == "live" }

// merge puts the live settings of next into a struct, and lists what differs.
func merge(into, next reflect.Value, settings []setting, prefix string) (changes []Change) {
	for _, s := range settings {
		was, is := s.in(into), s.in(next)
		if equal(was, is) {
			continue
		}
		changes = append(changes, Change{Key: prefix + s.key, Live: s.live()})
		if s.live() {
			was.Set(is)
		}
	}
	return changes
}

// equal takes a list without items for one that is not there.
func equal(a, b reflect.Value) bool {
	return a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 || reflect.DeepEqual(a.Interface(), b.Interface())
}

// mergeNamespaces answers the namespaces that one of both names. One that is no
// longer named, or was not before, is what default says.
func mergeNamespaces(old, next []NamedNamespace) (merged []NamedNamespace, changes []Change) {
	seen := map[string]bool{}
	for _, n := range slices.Concat(next, old) {
		if seen[n.Name] {
			continue
		}
		seen[n.Name] = true
		was, is := namespace(old, n.Name), namespace(next, n.Name)
		of := merge(reflect.ValueOf(&was.Namespace).Elem(), reflect.ValueOf(&is.Namespace).Elem(), namespaceSettings, "namespaces."+n.Name+".")
		was.Name, was.sources = n.Name, is.sources
		merged = append(merged, was)
		changes = append(changes, of...)
	}
	return merged, changes
}

func namespace(all []NamedNamespace, name string) NamedNamespace {
	named := func(name string) func(NamedNamespace) bool {
		return func(n NamedNamespace) bool { return n.Name == name }
	}
	i := slices.IndexFunc(all, named(name))
	if i < 0 {
		i = slices.IndexFunc(all, named(defaultNamespace))
	}
	return all[i]
}

// changedSources lists the sources of Kafka that are not the same in both.
func changedSources(old, next []NamedKafkaSource) (changes []Change) {
	was, is := map[string]KafkaSource{}, map[string]KafkaSource{}
	for _, n := range old {
		was[n.Name] = n.KafkaSource
	}
	for _, n := range next {
		is[n.Name] = n.KafkaSource
	}
	names := maps.Clone(was)
	maps.Copy(names, is)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		_, before := was[name]
		_, after := is[name]
		if before != after || !reflect.DeepEqual(was[name], is[name]) {
			changes = append(changes, Change{Key: "kafka.sources." + name})
		}
	}
	return changes
}
