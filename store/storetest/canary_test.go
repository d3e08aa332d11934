package storetest

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestCanaryForm(t *testing.T) {
	const canary = "ann@customer.example"
	var le, be []byte
	for _, u := range utf16.Encode([]rune(canary)) {
		le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
	}
	forms := map[string]string{
		"plain": canary, "upper": strings.ToUpper(canary), "utf-16le": string(le), "utf-16be": string(be),
		"hex": hex.EncodeToString([]byte(canary)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(canary))),
		"hex of utf-16": hex.EncodeToString(le),
	}
	for _, pad := range []string{"", "x", "xy", "xyz"} {
		for _, tail := range []string{"", "?", "??"} {
			forms["base64 "+pad+tail] = base64.StdEncoding.EncodeToString([]byte(pad + canary + tail))
			forms["base64url "+pad+tail] = base64.URLEncoding.EncodeToString([]byte(pad + canary + tail))
		}
	}
	for name, text := range forms {
		if canaryForm([]byte("before\x00"+text+"\x00after"), []byte(canary)) == "" {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
	if form := canaryForm([]byte("ann@customer.exampl and the rest"), []byte(canary)); form != "" {
		t.Errorf("found %s where it is not", form)
	}
}
