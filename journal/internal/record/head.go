package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/usher-cc/usher/journal"
)

// headForm is a head as one line of text, so that an operator can read it.
const headForm = "usher head 1: next %d time %d hash %s sum %s\n"

// EncodeHead returns h as a line of text with a sum of its own.
func EncodeHead(h journal.Head) []byte {
	line := func(sum string) string {
		return fmt.Sprintf(headForm, h.Next, h.Time, hex.EncodeToString(h.Hash[:]), sum)
	}
	sum := sha256.Sum256([]byte(line("")))
	return []byte(line(hex.EncodeToString(sum[:])))
}

// DecodeHead returns what was encoded. To compare the whole line with its own
// encoding checks the sum and every other byte at once.
func DecodeHead(raw []byte) (journal.Head, error) {
	var h journal.Head
	var hash, sum string
	if _, err := fmt.Sscanf(string(raw), headForm, &h.Next, &h.Time, &hash, &sum); err != nil {
		return journal.Head{}, fmt.Errorf("it does not read as a head: %w", err)
	}
	if n, err := hex.Decode(h.Hash[:], []byte(hash[:min(len(hash), 2*len(h.Hash))])); err != nil || n != len(h.Hash) {
		return journal.Head{}, fmt.Errorf("its hash does not read as one")
	}
	if string(EncodeHead(h)) != string(raw) || h.Next < journal.Genesis.Next {
		return journal.Head{}, fmt.Errorf("its content does not have the sum that it ends with")
	}
	return h, nil
}
