package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/internal/configfile"
)

func exportCommand() *cobra.Command {
	var from remote
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print a tenant's configuration as YAML",
		Long: `Print a tenant's configuration as the YAML that "usher apply" reads. Passwords
are not in it; an agent whose password is left out keeps the one he has.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return export(cmd, &from) },
	}
	from.flags(cmd)
	return cmd
}

func export(cmd *cobra.Command, from *remote) error {
	server, err := from.dial()
	if err != nil {
		return err
	}
	answer, err := server.Administration().GetConfiguration(cmd.Context(), &usherv1.GetConfigurationRequest{TenantId: from.tenant})
	if err != nil {
		return from.explain(err)
	}
	text, err := configfile.Export(cmp.Or(from.tenant, edge.DefaultTenant), answer)
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}
