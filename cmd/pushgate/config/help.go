package config

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Help is the help of a flag, with the variable that does the same.
func Help(value *kong.Value) string {
	text := strings.TrimSuffix(value.Help, ".")
	if value.Flag == nil {
		return text
	}
	if value.HasDefault && value.Flag.PlaceHolder != "" && value.Default != "" {
		text += ". Default: " + value.Default
	}
	if slices.ContainsFunc(settings, func(s setting) bool { return s.flag() == value.Name }) || value.Name == "config" {
		text += " ($" + setting{key: strings.ReplaceAll(value.Name, "-", "_")}.env() + ")"
	}
	for _, name := range value.Flag.Envs {
		text += " ($" + name + ")"
	}
	return text
}
