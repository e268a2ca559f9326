package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// kubernetes sets such variables for every Service, and one may well be named
// pushgate.
var kubernetes = regexp.MustCompile(`_SERVICE_(HOST|PORT(_.+)?)=|_PORT=(tcp|udp|sctp)://|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=`)

// testPrefix begins the variables of this project's tests.
const testPrefix = EnvPrefix + "TEST_"

// checkEnvironment finds variables that look like settings and are none.
func checkEnvironment(environment []string, model *kong.Application) error {
	known := []string{pathEnv}
	for _, s := range settings {
		known = append(known, s.env())
	}
	for _, command := range model.Children {
		for _, flag := range command.Flags {
			known = append(known, flag.Envs...)
		}
	}
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, EnvPrefix) || strings.HasPrefix(name, testPrefix) ||
			slices.Contains(known, name) || kubernetes.MatchString(variable) {
			continue
		}
		return problem(Source{Kind: Environment, Name: name}, "", "there is no such setting%s", instead(name, known))
	}
	return nil
}

func instead(name string, known []string) string {
	if hint := didYouMean(name, known); hint != "" {
		return hint
	}
	return "; unset it (docs/configuration.md lists them all)"
}
