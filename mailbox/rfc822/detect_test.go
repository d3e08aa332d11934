package rfc822

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// TestDetect reads texts in charsets that nothing names.
func TestDetect(t *testing.T) {
	for _, c := range [...]struct {
		charset encoding.Encoding
		text    string
	}{
		{charmap.Windows1252, "Hei, vi får ikke åpnet døren. Kan noen hjelpe på mandag? Hilsen Bjørn"},
		{charmap.Windows1252, "Schöne Grüße aus Köln, die Tür ließ sich öffnen – ärgerlich"},
		{charmap.Windows1252, "Ça a été réglé, désolé pour le délai; créée à Orléans"},
		{charmap.Windows1252, "ÅÄÖ åäö"},
		{charmap.KOI8R, "Здравствуйте, не могу войти в личный кабинет. Помогите, пожалуйста!"},
		{charmap.KOI8R, "Москва - столица России."},
		{charmap.KOI8R, "Фёдор Михайлович"},
		{charmap.Windows1251, "Здравствуйте, не могу войти в личный кабинет. Помогите, пожалуйста!"},
		{charmap.Windows1251, "Добър ден, кога ще пристигне поръчката ми с номер 1234?"},
		{charmap.Windows1253, "Καλημέρα, δεν μπορώ να συνδεθώ στον λογαριασμό μου. Ευχαριστώ"},
		{simplifiedchinese.GBK, "您好,我的订单还没有收到,请帮我查询一下物流信息。谢谢!"},
		{traditionalchinese.Big5, "您好,我的訂單還沒有收到,請幫我查詢一下物流資訊。謝謝!"},
		{japanese.EUCJP, "お世話になっております。注文した商品がまだ届きません。"},
		{japanese.ShiftJIS, "お世話になっております。注文した商品がまだ届きません。"},
		{korean.EUCKR, "안녕하세요. 주문한 상품이 아직 도착하지 않았습니다. 확인 부탁드립니다."},
	} {
		b, err := c.charset.NewEncoder().Bytes([]byte(c.text))
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		for _, label := range []string{"", "us-ascii", "x-unknown"} {
			if got, exact := decodeCharset(b, label); got != c.text || exact {
				t.Errorf("%v as %q: %q, exact %v, want %q", c.charset, label, got, exact, c.text)
			}
		}
		// A text cut in the middle of a character is still that text.
		cut := []byte(strings.Repeat(string(b)+"\n", maxDetect/len(b)+2))
		if got, _ := decodeCharset(cut, ""); !strings.HasPrefix(got, c.text+"\n") {
			t.Errorf("%v, long: %.60q", c.charset, got)
		}
	}
}
