using System.Globalization;
using System.Text;
using Mlops.Sdk.Monitoring;
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

    /// <summary>Adds what monitoring found: performance, drift, quality, causes, alerts.</summary>
    /// <param name="report">The report.</param>
    /// <returns>The same page.</returns>
    public HtmlReport Add(MonitoringReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        _body.Append(report.ToHtmlSection());
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
        Html.Page(_title, $"<h1>{Svg.Encode(_title)}</h1>{_body}");

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
}
