package auth

import (
	"slices"
	"strings"
	"testing"

	"github.com/helpdesk-go/helpdesk/ticket"
)

func person(name, addr string) ticket.Address { return ticket.Address{Name: name, Addr: addr} }

func TestWarnings(t *testing.T) {
	kari := person("Kari Nordmann", "kari@example.com")
	desk := []string{"support@nordlys.example", "ola@bjork-and-sons.example"}
	for name, c := range map[string]struct {
		claim Claim
		want  []string
	}{
		"nothing known":               {Claim{}, nil},
		"plain":                       {Claim{From: []ticket.Address{kari}, FromFields: 1, Known: desk}, nil},
		"two addresses":               {Claim{From: []ticket.Address{kari, person("", "eve@evil.example")}, FromFields: 1}, []string{ticket.WarnSeveralFrom}},
		"two fields":                  {Claim{From: []ticket.Address{kari}, FromFields: 2}, []string{ticket.WarnSeveralFrom}},
		"name is another address":     {from(`support@bank.example`, "eve@evil.example"), []string{ticket.WarnNameIsAddress}},
		"name holds another address":  {from(`Bank <"support@bank.example"> team`, "eve@evil.example"), []string{ticket.WarnNameIsAddress}},
		"name in full-width":          {from("ｓｕｐｐｏｒｔ＠ｂａｎｋ．example", "eve@evil.example"), []string{ticket.WarnNameIsAddress}},
		"name is the address":         {from("'Kari@Example.com'", "kari@example.com"), nil},
		"name with an at":             {from("Kari @ Home", "kari@example.com"), nil},
		"name is a handle":            {from("@kari", "kari@example.com"), nil},
		"mixed name":                  {from("Pаypal", "eve@evil.example"), []string{ticket.WarnMixedScripts}}, // а is Cyrillic
		"mixed domain":                {from("", "kari@exаmple.com"), []string{ticket.WarnMixedScripts}},
		"mixed domain, encoded":       {from("", "kari@"+ascii("exаmple.com")), []string{ticket.WarnMixedScripts, ticket.WarnPunycode}},
		"all Cyrillic, Latin to see":  {from("", "kari@ехсеѕѕ.com"), []string{ticket.WarnLookAlike}},
		"punycode":                    {from("", "kari@xn--bcher-kva.example"), []string{ticket.WarnPunycode}},
		"punycode that is none":       {from("", "kari@xn--99999999.example"), []string{ticket.WarnPunycode}},
		"own domain, digit":           {known("kari@nord1ys.example", desk), []string{ticket.WarnLookAlike}},
		"own domain, accent":          {known("kari@nórdlys.example", desk), []string{ticket.WarnLookAlike}},
		"own domain, r and n":         {known("kari@bjork-and-sons.exarnple", []string{"a@bjork-and-sons.example"}), []string{ticket.WarnLookAlike}},
		"own domain in front":         {known("kari@nordlys.example.evil.test", desk), []string{ticket.WarnLookAlike}},
		"own domain with a dash":      {known("kari@nordlys-example.evil.test", desk), []string{ticket.WarnLookAlike}},
		"participant's domain":        {known("kari@bjork-and-s0ns.example", desk), []string{ticket.WarnLookAlike}},
		"the same domain":             {known("kari@nordlys.example", desk), nil},
		"below the same domain":       {known("kari@mail.nordlys.example", desk), nil},
		"a domain that has it inside": {known("kari@nordlys.no", desk), nil},
		"Reply-To elsewhere":          {Claim{From: []ticket.Address{kari}, ReplyTo: []ticket.Address{person("", "kari@evil.test")}}, []string{ticket.WarnReplyToDiffers}},
		"Reply-To in the house":       {Claim{From: []ticket.Address{kari}, ReplyTo: []ticket.Address{person("", "help@mail.example.com")}}, nil},
		"Reply-To that is a name":     {Claim{From: []ticket.Address{kari}, ReplyTo: []ticket.Address{person("nobody", "")}}, nil},
		"envelope elsewhere":          {Claim{From: []ticket.Address{kari}, ReturnPath: "<bounce@sender.test>"}, []string{ticket.WarnEnvelopeDiffers}},
		"envelope elsewhere, vouched": {Claim{From: []ticket.Address{kari}, ReturnPath: "bounce@sender.test", Verified: true}, nil},
		"null envelope":               {Claim{From: []ticket.Address{kari}, ReturnPath: "<>"}, nil},
		"envelope of a subdomain":     {Claim{From: []ticket.Address{kari}, ReturnPath: "bounce@m.example.com"}, nil},
		"hidden": {Claim{From: []ticket.Address{kari}, Names: []string{"\u202eelpmaxe.knab\u202c <kari@example.com>"}},
			[]string{ticket.WarnHiddenCharacters}},
	} {
		if got := Warnings(c.claim); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func from(name, addr string) Claim { return Claim{From: []ticket.Address{person(name, addr)}} }

func known(addr string, known []string) Claim {
	return Claim{From: []ticket.Address{person("", addr)}, Known: known}
}

func TestHidden(t *testing.T) {
	for s, want := range map[string]bool{
		"Kari":                               false,
		"Zero\u200bwidth":                    true,
		"Soft\u00adhyphen":                   true,
		"over\u202eride":                     true,
		"iso\u2067late":                      true,
		"tag\U000e0041":                      true,
		"join\u200der":                       true,
		"filler\u3164":                       true,
		"mark\u200e":                         true,
		"דנה\u200f כהן":                      false,
		"می\u200cخواهم":                      false,
		"👩\u200d💻 Kari":                      false,
		"\U0001F3F4\U000e0067\U000e007f":     false,
		"بيت\u202e":                          true,
		"\ufeffKari":                         true,
		"Sørensen, Åse":                      false,
		strings.Repeat("a", 9000) + "\u2060": true,
	} {
		if hidden(s) != want {
			t.Errorf("hidden(%+q) is not %v", s, want)
		}
	}
}

// TestHonestNames: nobody is told that his own name is a trick.
func TestHonestNames(t *testing.T) {
	names := []string{
		"Åse Bjørnstad", "Øyvind Ærø", "Þórður Guðmundsson", "Björn Järvinen", "Sámi Čáhppe", "Győző Őry", "Łukasz Żółw",
		"Nguyễn Thị Hạnh", "İbrahim Işık", "João D’Ávila", "Zoë O'Neill-Çelik", "µ-Systems GmbH", "Müller & Söhne (5€)",
		"山田 太郎", "やまだ たろう", "ヤマダ タロウ", "株式会社ABCサポート", "Tシャツ屋さん", "山田 Taro", "日本ＩＢＭ", "ﾔﾏﾀﾞ",
		"김민수", "삼성SDS", "王小明", "Wang 小明", "ㄅㄆㄇ王",
		"Γιώργος Παπαδόπουλος", "Ελένη Ιωάννου", "Ελένη (Eleni)", "ΟΤΕ Α.Ε.", "Ω Consulting",
		"Иван Петров", "Ивано́в Ива́н", "Олена Їжакевич", "Ђорђе Његош", "Иван Ivan Петров", "ООО «Ромашка»", "Мария-Луиза", "1С:Бухгалтерия",
		"Արամ Խաչատրյան", "გიორგი", "דנה כהן", "محمد علي", "สมชาย ใจดี", "राम शर्मा", "AT&T™ ①", "Kari 😀",
	}
	for _, n := range names {
		got := Warnings(Claim{From: []ticket.Address{person(n, "x@example.com")}, FromFields: 1, Names: []string{n}, Known: []string{"y@example.org"}})
		if len(got) != 0 {
			t.Errorf("%q: %v", n, got)
		}
	}
	for _, d := range []string{
		"blåbær.no", "bücher.de", "københavn.dk", "日本.jp", "日本abc.jp", "ヤマト運輸.jp", "삼성.kr", "пример.рф", "почта.бел", "москва.com",
		"παράδειγμα.ελ", "ελληνικά.gr", "xn--bcher-kva.de", "example.com", "a-b_c.example", "", "localhost",
	} {
		got := Warnings(from("", "post@"+d))
		got = slices.DeleteFunc(got, func(w string) bool { return w == ticket.WarnPunycode })
		if len(got) != 0 {
			t.Errorf("%q: %v", d, got)
		}
	}
}

func FuzzWarnings(f *testing.F) {
	f.Add("support@bank.example", "eve@evil.example", "eve@xn--bcher-kva.example", "a@example.com")
	f.Add("\u202eP\u0430ypal", "kari@ехсеѕѕ.com", "@", "xn--")
	f.Fuzz(func(t *testing.T, name, addr, reply, known string) {
		c := Claim{
			From: []ticket.Address{person(name, addr)}, ReplyTo: []ticket.Address{person("", reply)}, FromFields: 1,
			Names: []string{name}, ReturnPath: reply, Known: []string{known},
		}
		got := Warnings(c)
		if len(got) > 8 {
			t.Errorf("%d warnings", len(got))
		}
		// Nobody looks like himself.
		if !disguised(readable(domainOf(addr))) && LookAlike(addr, []string{addr}) {
			t.Errorf("%q is a look-alike of itself", addr)
		}
	})
}
