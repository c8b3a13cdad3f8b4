using System.Net;

namespace Mlops.Sdk.Monitoring;

/// <summary>Pages that need nothing else: inline style, no script, no network, light and dark, printable; well-formed as XML too.</summary>
internal static class Html
{
    private const string Style = """
        :root{color-scheme:light dark;--bg:#fff;--fg:#1c2333;--mute:#5a6375;--line:#dde1ea;--a:#2f6fde;--b:#9aa7bd;--c:#a65f00;--good:#18794e;--bad:#c62a2f;--warn:#a65f00;--card:#f7f8fb;--mlops-reference:#9aa7bd;--mlops-current:#2f6fde;--mlops-text:#1c2333;--mlops-muted:#5a6375;--mlops-rule:#dde1ea;--mlops-bad:#c62a2f;--mlops-warn:#a65f00}
        @media (prefers-color-scheme:dark){:root{--bg:#12151c;--fg:#e6e9f0;--mute:#9aa3b5;--line:#2c3342;--a:#6ea4ff;--b:#6b768c;--c:#e3a448;--good:#4cc38a;--bad:#ff6369;--warn:#e3a448;--card:#191e28;--mlops-reference:#6b768c;--mlops-current:#6ea4ff;--mlops-text:#e6e9f0;--mlops-muted:#9aa3b5;--mlops-rule:#2c3342;--mlops-bad:#ff6369;--mlops-warn:#e3a448}}
        *{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        main{max-width:1040px;margin:0 auto;padding:28px 20px 60px}h1{font-size:26px;margin:0 0 8px;overflow-wrap:anywhere}h2{font-size:19px;margin:36px 0 10px;padding-top:14px;border-top:1px solid var(--line)}h3{font-size:15px;margin:16px 0 6px;color:var(--mute);font-weight:600}
        table{border-collapse:collapse;width:100%;font-size:13.5px}th{text-align:left;color:var(--mute);font-weight:600}th,td{padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        .scroll{overflow-x:auto}.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(400px,100%),1fr));gap:18px}.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;break-inside:avoid}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:14px 0}.tile b{display:block;font-size:21px;font-variant-numeric:tabular-nums}
        .good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.mute{color:var(--mute)}.badge{display:inline-block;padding:1px 9px;border-radius:20px;border:1px solid currentColor;font-size:12.5px;margin-left:8px;vertical-align:2px}
        svg{width:100%;height:auto;display:block}svg text{fill:var(--mute);font-size:11px}svg .name{fill:var(--fg);font-size:12px}svg .grid{stroke:var(--line);stroke-width:1}svg .line{fill:none;stroke-width:2}svg .line.a{stroke:var(--a)}svg .line.b{stroke:var(--b)}svg .line.c{stroke:var(--c);stroke-dasharray:6 3}svg .line.d{stroke:var(--b);stroke-dasharray:4 4}svg .dot.a,svg .key.a{fill:var(--a)}svg .dot.b,svg .key.b,svg .key.d{fill:var(--b)}svg .dot.c,svg .key.c{fill:var(--c)}svg .band{opacity:.16;stroke:none}svg .band.a{fill:var(--a)}svg .band.c{fill:var(--c)}svg .spark{fill:none;stroke:var(--a);stroke-width:1.5}
        details>summary{cursor:pointer;color:var(--mute);font-size:13px;margin-top:6px}
        @media print{body{font-size:12px}section.short,.card,figure{break-inside:avoid}main{max-width:none;padding:0}}
        """;

    /// <summary>Encodes text from outside: no character of it is markup, and none turns the page round.</summary>
    internal static string Encode(string text) => WebUtility.HtmlEncode(ReportNumbers.Clean(text));

    /// <summary>Makes a whole document.</summary>
    /// <param name="title">Its title; encoded here.</param>
    /// <param name="safeBody">What stands in it; encoded already.</param>
    internal static string Page(string title, string safeBody) =>
        $"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><title>{Encode(title)}</title><style>{Style}</style></head><body><main>{safeBody}</main></body></html>";
}
