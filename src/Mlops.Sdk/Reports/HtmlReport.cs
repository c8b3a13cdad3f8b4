using System.Globalization;
using System.Text;
using Mlops.Sdk.Pipelines;

namespace Mlops.Sdk;

/// <summary>Puts runs, drift and history on one page that anybody can open: self-contained HTML with inline SVG, light and dark, printable, no script and no network. Not thread-safe.</summary>
public sealed class HtmlReport
{
    private readonly string _title;
    private readonly StringBuilder _body = new();

    /// <summary>Starts a page.</summary>
    /// <param name="title">Its title.</param>
    public HtmlReport(string title)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        _title = title;
    }

    /// <summary>Adds what a run found: data, candidates, evaluation, gate.</summary>
    /// <param name="run">The run.</param>
    /// <returns>The same page.</returns>
    public HtmlReport Add(PipelineRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        RunSection.Write(_body, run);
        return this;
    }

    /// <summary>Adds a fragment of HTML that is safe already, such as a drift report's.</summary>
    /// <param name="heading">The heading.</param>
    /// <param name="safeHtml">The fragment; it is not encoded again.</param>
    /// <returns>The same page.</returns>
    public HtmlReport AddFragment(string heading, string safeHtml)
    {
        ArgumentNullException.ThrowIfNull(safeHtml);
        _body.Append(CultureInfo.InvariantCulture, $"<section><h2>{Svg.Encode(heading)}</h2>{safeHtml}</section>");
        return this;
    }

    /// <summary>Adds what happened, entry by entry.</summary>
    /// <param name="history">The ledger's entries, oldest first.</param>
    /// <returns>The same page.</returns>
    public HtmlReport AddHistory(IReadOnlyList<LedgerEntry> history)
    {
        ArgumentNullException.ThrowIfNull(history);
        _body.Append("<section><h2>What happened, who did it and why</h2><table><tr><th class=\"n\">#</th><th>when (UTC)</th><th>what</th><th>who</th><th>why</th></tr>");
        foreach (LedgerEntry entry in history)
        {
            string what = entry.Kind + (entry.Resource.Version is { } version ? string.Create(CultureInfo.InvariantCulture, $" v{version}") : string.Empty) + (entry.Outcome == LedgerOutcome.Done ? string.Empty : $" ({entry.Outcome.ToString().ToLowerInvariant()})");
            _body.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"n\">{entry.Number}</td><td>{entry.Time.UtcDateTime:yyyy-MM-dd HH:mm:ss}</td><td>{Svg.Encode(what)}</td><td>{Svg.Encode(entry.Actor.ToString())}</td><td>{Svg.Encode(entry.Reason)}</td></tr>");
        }

        _body.Append("</table></section>");
        return this;
    }

    /// <summary>Returns the page.</summary>
    /// <returns>A whole HTML document.</returns>
    public override string ToString() =>
        $"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{Svg.Encode(_title)}</title><style>{Style}</style></head><body><main><h1>{Svg.Encode(_title)}</h1>{_body}</main></body></html>";

    /// <summary>Writes the page to a file, replacing it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <returns>The file's full path.</returns>
    public async Task<string> WriteAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        await File.WriteAllTextAsync(path, ToString(), cancellationToken).ConfigureAwait(false);
        return Path.GetFullPath(path);
    }

    private const string Style = """
        :root{--bg:#fff;--fg:#1c2333;--mute:#667;--line:#dde1ea;--a:#2f6fde;--b:#9aa7bd;--good:#18794e;--bad:#c62a2f;--card:#f7f8fb}
        @media (prefers-color-scheme:dark){:root{--bg:#12151c;--fg:#e6e9f0;--mute:#9aa3b5;--line:#2c3342;--a:#6ea4ff;--b:#6b768c;--good:#4cc38a;--bad:#ff6369;--card:#191e28}}
        *{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        main{max-width:1040px;margin:0 auto;padding:28px 20px 60px}h1{font-size:26px;margin:0 0 8px}h2{font-size:19px;margin:36px 0 10px;padding-top:14px;border-top:1px solid var(--line)}h3{font-size:15px;margin:16px 0 6px;color:var(--mute);font-weight:600}
        table{border-collapse:collapse;width:100%;font-size:13.5px}th{text-align:left;color:var(--mute);font-weight:600}th,td{padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}.n{text-align:right;font-variant-numeric:tabular-nums}
        .grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:18px}.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
        .good{color:var(--good)}.bad{color:var(--bad)}.mute{color:var(--mute)}.badge{display:inline-block;padding:1px 9px;border-radius:20px;border:1px solid currentColor;font-size:12.5px;margin-left:8px;vertical-align:2px}
        svg{width:100%;height:auto;display:block}svg text{fill:var(--mute);font-size:11px}svg .name{fill:var(--fg);font-size:12px}svg .grid{stroke:var(--line);stroke-width:1}svg .line{fill:none;stroke-width:2}svg .line.a{stroke:var(--a)}svg .line.b{stroke:var(--b)}svg .line.d{stroke:var(--b);stroke-dasharray:4 4}svg .dot.a,svg .key.a{fill:var(--a)}svg .dot.b,svg .key.b,svg .key.d{fill:var(--b)}
        @media print{body{font-size:12px}section{break-inside:avoid}}
        """;
}
