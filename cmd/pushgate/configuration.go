package main

import "pushgate/cmd/pushgate/config"

type configCommand struct {
	config.Flags `embed:""`
	Markdown     bool `name:"markdown" help:"Print docs/configuration.md instead: all settings, with their defaults."`
}

// Run prints the configuration or its documentation.
func (c *configCommand) Run(t terminal) error {
	if c.Markdown {
		return config.Markdown(t.out)
	}
	return c.Print(t.out)
}
