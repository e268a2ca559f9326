package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// parse reads the text of a setting into its place.
func (s setting) parse(into reflect.Value, text string) error {
	if choices := s.tag.Get("enum"); choices != "" {
		all := strings.Split(choices, ",")
		if !slices.Contains(all, text) {
			return fmt.Errorf("%q is not one of %s", text, strings.Join(all, ", "))
		}
	}
	if reader, ok := reflect.TypeAssert[encoding.TextUnmarshaler](into.Addr()); ok {
		return reader.UnmarshalText([]byte(text))
	}
	switch into.Kind() {
	case reflect.Bool:
		switch strings.ToLower(text) {
		case "true", "yes", "on", "1":
			into.SetBool(true)
		case "false", "no", "off", "0":
			into.SetBool(false)
		default:
			return fmt.Errorf("%q is neither true nor false", text)
		}
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		into.SetInt(int64(n))
	case reflect.Slice:
		var items []string
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
		into.Set(reflect.ValueOf(items))
	default:
		into.SetString(text)
	}
	return nil
}

// check compares a value with the setting's bounds.
func (s setting) check(value reflect.Value) error {
	if !value.CanInt() {
		return nil
	}
	show := func(n int64) any { return reflect.ValueOf(n).Convert(value.Type()).Interface() }
	if least, err := strconv.ParseInt(s.tag.Get("min"), 10, 64); err == nil && value.Int() < least {
		if least == 1 {
			return fmt.Errorf("%v is too little; it has to be more than 0", value)
		}
		return fmt.Errorf("%v is too little; the least is %v", value, show(least))
	}
	if most, err := strconv.ParseInt(s.tag.Get("max"), 10, 64); err == nil && value.Int() > most {
		return fmt.Errorf("%v is too much; the most is %v", value, show(most))
	}
	return nil
}
