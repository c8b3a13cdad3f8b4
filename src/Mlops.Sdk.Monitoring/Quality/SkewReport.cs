using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>How a column in service can differ from the one that was trained on.</summary>
public enum SkewKind
{
    /// <summary>The column is not there in service.</summary>
    ColumnMissing,

    /// <summary>The column is there in service only.</summary>
    ColumnNew,

    /// <summary>The values are of another type.</summary>
    Type,

    /// <summary>The numbers are the same ones in another unit or on another scale.</summary>
    Unit,

    /// <summary>The share of rows without a value differs.</summary>
    MissingShare,

    /// <summary>Categories are spelled in another way: case, blanks, accents or signs.</summary>
    Spelling,

    /// <summary>The distribution differs.</summary>
    Distribution,
}

/// <summary>One column that differs between training and service.</summary>
/// <param name="Column">The column's name.</param>
/// <param name="Kind">How it differs.</param>
/// <param name="Sureness">How sure that is, in [0, 1]: for a unit how much better it explains the numbers than the next best explanation; for shares and distributions 1 minus the adjusted p-value; else 1.</param>
/// <param name="Effect">How large the difference is: for a type or a spelling the share of values; for a share the difference; for a distribution the population stability index; for a unit the factor, or null where it is none.</param>
/// <param name="Message">What was expected and found, for a person.</param>
public sealed record SkewFinding(string Column, SkewKind Kind, double Sureness, double? Effect, string Message);

/// <summary>Which columns in service differ from training, and how. Immutable.</summary>
public sealed record SkewReport
{
    /// <summary>Gets how many rows the training data has.</summary>
    public required long TrainingRows { get; init; }

    /// <summary>Gets how many rows were compared with it.</summary>
    public required long ServingRows { get; init; }

    /// <summary>Gets the names of the columns that were compared.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>Gets what differs, most telling first: columns and types, units, spelling, missing values, distributions.</summary>
    public required IReadOnlyList<SkewFinding> Findings { get; init; }

    /// <summary>Gets whether nothing differs.</summary>
    public bool Alike => Findings.Count == 0;

    /// <summary>Writes the report as lines for a console.</summary>
    /// <returns>Lines separated by line feeds: a summary, then a line for each finding.</returns>
    public string ToText()
    {
        var text = new StringBuilder();
        int columns = Findings.Select(f => f.Column).Distinct(StringComparer.Ordinal).Count();
        text.Append(CultureInfo.InvariantCulture, $"training-serving skew: {(Alike ? "none" : string.Create(CultureInfo.InvariantCulture, $"{columns} of {Columns.Count} columns differ"))}, {ReportNumbers.Count(ServingRows)} rows against {ReportNumbers.Count(TrainingRows)} of training\n");
        foreach (SkewFinding finding in Findings)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {ReportNumbers.Word(finding.Kind),-14}  {ReportNumbers.Name(finding.Message, 200)}\n");
        }

        return text.ToString();
    }
}
