package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/journal"
)

func exportJournalCommand(data *string) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print every record as one JSON object a line, without secrets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return exportJournal(cmd.Context(), *data, cmd.OutOrStdout())
		},
	}
}

// exportedRecord is a record as it is printed.
type exportedRecord struct {
	Sequence journal.Sequence `json:"sequence"` // of its first entry
	TimeMs   int64            `json:"time_ms"`  // of its batch
	Record   json.RawMessage  `json:"record"`
}

// exportJournal prints one JSON object for each record.
func exportJournal(ctx context.Context, dir string, w io.Writer) error {
	return withJournal(dir, func(j journal.Journal) error {
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		return eachBatch(ctx, j, func(b *journal.Batch, content *usherv1.RecordBatch) error {
			sequence := b.First
			for _, r := range content.GetRecords() {
				if err := withoutSecrets(r); err != nil {
					return err
				}
				raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(r)
				if err != nil {
					return fmt.Errorf("print the record of sequence %d: %w", sequence, err)
				}
				var compact bytes.Buffer // protojson changes its spaces from run to run
				if err := json.Compact(&compact, raw); err != nil {
					return err
				}
				if err := out.Encode(exportedRecord{sequence, b.Time, compact.Bytes()}); err != nil {
					return err
				}
				sequence += journal.Sequence(len(r.GetEntries()))
			}
			return nil
		})
	})
}

// withoutSecrets clears what is marked as secret in the protocols, and the
// hashes of keys and tokens.
func withoutSecrets(m proto.Message) error {
	return protorange.Range(m.ProtoReflect(), func(values protopath.Values) error {
		message, ok := values.Index(-1).Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		message.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			secret, _ := proto.GetExtension(field.Options(), usherv1.E_Secret).(bool)
			if secret || field.Name() == "key_hash" || field.Name() == "token_hash" {
				message.Clear(field)
			}
			return true
		})
		return nil
	})
}
