package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usher-cc/usher/internal/build"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print what this binary was built from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info := build.Read()
			line := "usher " + info.Version
			if info.Revision != "" {
				line += fmt.Sprintf(" (%s, %s)", info.Revision, info.Time)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), line, info.Go)
			return err
		},
	}
}
