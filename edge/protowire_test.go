package edge

import "google.golang.org/protobuf/encoding/protowire"

func consumeField(raw []byte) (protowire.Number, []byte, int) {
	number, kind, n := protowire.ConsumeTag(raw)
	if n < 0 {
		return 0, nil, n
	}
	m := protowire.ConsumeFieldValue(number, kind, raw[n:])
	if m < 0 {
		return 0, nil, m
	}
	value := raw[n : n+m]
	if kind == protowire.BytesType {
		value, _ = protowire.ConsumeBytes(raw[n:])
	}
	return number, value, n + m
}
