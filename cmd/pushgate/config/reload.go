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
	changes = append(changes, changed("kafka.sources", false, f.KafkaSources, next.KafkaSources,
		func(n NamedKafkaSource) (string, any) { return n.Name, n.KafkaSource })...)
	changes = append(changes, changed("callers", true, f.Callers, next.Callers,
		func(n NamedCaller) (string, any) { return n.Name, n.Caller })...)
	merged.Callers, merged.file = next.Callers, next.file
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

// changed lists the parts under a key, by their names, that are not the same in both.
func changed[N any](key string, live bool, was, is []N, of func(N) (name string, settings any)) (changes []Change) {
	before, after := byName(was, of), byName(is, of)
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !reflect.DeepEqual(before[name], after[name]) {
			changes = append(changes, Change{Key: key + "." + name, Live: live})
		}
	}
	return changes
}

func byName[N any](list []N, of func(N) (name string, settings any)) map[string]any {
	all := make(map[string]any, len(list))
	for _, n := range list {
		name, settings := of(n)
		all[name] = settings
	}
	return all
}
