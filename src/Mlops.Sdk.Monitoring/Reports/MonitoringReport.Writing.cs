namespace Mlops.Sdk.Monitoring;

/// <content>The report as a person or a program reads it.</content>
public sealed partial record MonitoringReport
{
    /// <summary>Writes the report for a console or the log of a build: at most about 40 short lines.</summary>
    /// <returns>Lines separated by line feeds.</returns>
    public string ToText() => MonitoringReportText.Write(this);

    /// <summary>Writes the report as Markdown, for a pull request, a wiki or a chat.</summary>
    /// <returns>Markdown with tables as GitHub reads them. Names from the data are escaped.</returns>
    public string ToMarkdown() => MonitoringReportMarkdown.Write(this);

    /// <summary>Writes the report as JSON, with its format version beside it.</summary>
    /// <returns>Indented JSON: <c>format</c>, verdict, summary and all parts; of the older windows the trend of each feature alone.</returns>
    public string ToJson() => MonitoringReportJson.Write(this);

    /// <summary>Writes the report as a page.</summary>
    /// <returns>
    /// A whole HTML document that needs nothing else: inline style and SVG, no script, no network. It follows light and dark, prints, and
    /// has a table beside each picture. Names from the data are encoded.
    /// </returns>
    public string ToHtml() => Html.Page($"Monitoring of {Model} version {Version}", ToHtmlSection());

    /// <summary>Writes the report as HTML for a page of your own, with the style of <see cref="ToHtml"/>.</summary>
    internal string ToHtmlSection() => MonitoringReportHtml.Write(this);
}
