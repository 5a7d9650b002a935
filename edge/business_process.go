package edge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/configfile"
)

// The business process file over the protocol: what "usher export" and "usher
// apply" do with a file, for administrators in a browser.

// ExportBusinessProcess writes a tenant's configuration as YAML.
func (s administration) ExportBusinessProcess(ctx context.Context, r *usherv1.ExportBusinessProcessRequest) (*usherv1.ExportBusinessProcessResponse, error) {
	tenant, err := tenantFor(callerOf(ctx), r.GetTenantId())
	if err != nil {
		return nil, err
	}
	stored, err := s.configuration(ctx, tenant)
	if err != nil {
		return nil, err
	}
	text, err := configfile.Export(tenant, stored)
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return &usherv1.ExportBusinessProcessResponse{Text: string(text), Version: stored.GetVersion()}, nil
}

// ApplyBusinessProcess changes a tenant's configuration by a YAML, or answers
// what is wrong in it.
func (s administration) ApplyBusinessProcess(ctx context.Context, r *usherv1.ApplyBusinessProcessRequest) (*usherv1.ApplyBusinessProcessResponse, error) {
	if _, err := tenantFor(callerOf(ctx), r.GetTenantId()); err != nil {
		return nil, err // before anything is said about the text
	}
	configuration, positions, err := configfile.Parse("", []byte(r.GetText()))
	if err != nil {
		return &usherv1.ApplyBusinessProcessResponse{Problems: configfile.Problems(err)}, nil
	}
	applied, err := s.ApplyConfiguration(ctx, &usherv1.ApplyConfigurationRequest{
		TenantId: r.GetTenantId(), Configuration: configuration, ReplaceAll: r.GetReplaceAll(),
		DryRun: r.GetDryRun(), ExpectedVersion: r.GetExpectedVersion(),
	})
	var refused *Refusal
	if errors.As(err, &refused) && aboutText[refused.Event.GetCode()] {
		sentences := strings.Split(refused.Event.GetDescription(), "\n")
		return &usherv1.ApplyBusinessProcessResponse{Problems: positions.Problems(sentences)}, nil
	}
	if err != nil {
		return nil, err
	}
	return &usherv1.ApplyBusinessProcessResponse{
		Changes: applied.GetChanges(), Version: applied.GetVersion(), Sequence: applied.GetSequence(),
		Warnings: positions.Problems(applied.GetWarnings()),
	}, nil
}

// aboutText are the refusals of a configuration that are about what stands in
// it. All others are about the request.
var aboutText = map[usherv1.ErrorCode]bool{
	usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT:   true,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_AGENT:      true,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_PLACE:      true,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE:      true,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_WORKBIN:    true,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE: true,
	usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT:     true,
	usherv1.ErrorCode_ERROR_CODE_IN_USE:             true,
}
