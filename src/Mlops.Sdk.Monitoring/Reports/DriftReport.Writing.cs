namespace Mlops.Sdk.Monitoring;

/// <content>The report as a person or a program reads it.</content>
public sealed partial record DriftReport
{
    /// <summary>Writes the report as an aligned table for a console.</summary>
    /// <returns>Lines separated by line feeds, at most 140 characters each but for the summary.</returns>
    public string ToText() => DriftReportText.Write(this);

    /// <summary>Writes the report as JSON, with its format version beside it.</summary>
    /// <returns>Indented JSON: <c>format</c> and <c>report</c>.</returns>
    public string ToJson() => DriftReportJson.Write(this);

    /// <summary>Writes the report as an HTML fragment: a section with a table and, for each feature, both distributions over the same bins.</summary>
    /// <returns>
    /// HTML that needs nothing else: inline style and SVG, no script, no network; it follows light and dark. All names are encoded. The
    /// page may set the CSS variables <c>--mlops-reference</c>, <c>--mlops-current</c>, <c>--mlops-text</c>, <c>--mlops-muted</c>,
    /// <c>--mlops-rule</c>, <c>--mlops-bad</c> and <c>--mlops-warn</c>.
    /// </returns>
    public string ToHtml() => DriftReportHtml.Write(this);
}
