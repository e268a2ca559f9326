package config

import (
	"reflect"
	"strings"
)

// EnvPrefix begins the names of all environment variables.
const EnvPrefix = "PUSHGATE_"

// setting is one leaf of Config, Namespace, KafkaSource or Caller.
type setting struct {
	key   string // as in YAML: http.allowed_origins
	tag   reflect.StructTag
	index []int
}

func (s setting) flag() string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(s.key)
}

func (s setting) env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// secret says that the value is shown to nobody.
func (s setting) secret() bool { return s.tag.Get("secret") == "true" }

// in is the setting's place in a struct that it was found in.
func (s setting) in(root reflect.Value) reflect.Value { return root.FieldByIndex(s.index) }

var (
	settings            = settingsOf(reflect.TypeFor[Config]())
	namespaceSettings   = settingsOf(reflect.TypeFor[Namespace]())
	kafkaSourceSettings = settingsOf(reflect.TypeFor[KafkaSource]())
	callerSettings      = settingsOf(reflect.TypeFor[Caller]())
)

// settingsOf lists the settings of a struct in their order.
func settingsOf(t reflect.Type) []setting {
	var all []setting
	for field := range t.Fields() {
		prefix, group := field.Tag.Lookup("prefix")
		if !group {
			key := strings.ReplaceAll(field.Tag.Get("name"), "-", "_")
			all = append(all, setting{key: key, tag: field.Tag, index: field.Index})
			continue
		}
		for _, inner := range settingsOf(field.Type) {
			inner.key = strings.TrimSuffix(prefix, "-") + "." + inner.key
			inner.index = append(field.Index[:1:1], inner.index...)
			all = append(all, inner)
		}
	}
	return all
}

// find looks a setting up by its YAML key.
func find(among []setting, key string) (setting, bool) {
	for _, s := range among {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}
