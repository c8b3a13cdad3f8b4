using System.Globalization;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Names the columns that differ between training and service. Pure: the same input gives the same report.</summary>
/// <remarks>
/// A column that is in another unit or spelled in another way is named for that and not for the distribution that moves with it. Units are
/// found by comparing quantiles (by mean and standard deviation where only a window is there, which shows straight-line changes alone);
/// spelling by comparing categories without case, blanks, accents and signs. Distributions and missing values are judged by
/// <see cref="DriftDetector"/> with its options. A table shows everything; a window keeps no value and so shows no spelling and no type.
/// </remarks>
public static class TrainingServingSkew
{
    private const int LeastValues = 30;
    private const int MostPairs = 3;
    private const double LeastSpelled = 0.001;

    private static readonly Dictionary<char, char> Accented = ((string[])
        [
            "AÀÁÂÃÄÅĀĂĄ", "CÇĆĈĊČ", "DĎĐÐ", "EÈÉÊËĒĔĖĘĚ", "GĜĞĠĢ", "HĤĦ", "IÌÍÎÏĨĪĬĮİ", "JĴ", "KĶ", "LĹĻĽĿŁ", "NÑŃŅŇ", "OÒÓÔÕÖØŌŎŐ",
            "RŔŖŘ", "SŚŜŞŠȘ", "TŢŤŦȚ", "UÙÚÛÜŨŪŬŮŰŲ", "WŴ", "YÝŶŸ", "ZŹŻŽ",
        ]).SelectMany(letters => letters.Skip(1).Select(accented => (accented, letters[0]))).ToDictionary(l => l.accented, l => l.Item2);

    /// <summary>Compares two tables.</summary>
    /// <param name="training">The rows that were trained on, or rows like them.</param>
    /// <param name="serving">The rows in service.</param>
    /// <param name="drift">When a share or distribution differs; null for the defaults.</param>
    /// <returns>The report.</returns>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public static SkewReport Compare(Table training, Table serving, DriftOptions? drift = null)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentNullException.ThrowIfNull(serving);
        var findings = new List<SkewFinding>();
        foreach (Column column in training.Columns)
        {
            if (serving.Find(column.Name) is { } now && column is TimeColumn != now is TimeColumn && Missing(now) < now.Rows && Missing(column) < column.Rows)
            {
                findings.Add(new SkewFinding(column.Name, SkewKind.Type, 1, 1, $"'{column.Name}' is {Kind(column)} in training and {Kind(now)} in service."));
            }
        }

        ModelInput[] inputs = [.. training.Columns.Where(c => c is not TimeColumn).Select(c => new ModelInput(c.Name, c is TextColumn ? InputKind.Text : InputKind.Number, c.Name))];
        ReferenceProfile profile = ReferenceProfile.Of(EncodedTable.From(training, new ModelSchema(ModelTask.Binary, inputs, [], string.Empty)));
        SkewReport report = Compare(profile, serving, drift);
        HashSet<string> known = [.. training.Columns.Select(c => c.Name)];
        HashSet<string> told = [.. findings.Select(f => f.Column)];
        findings.AddRange(training.Columns.Where(c => c is TimeColumn && serving.Find(c.Name) is null).Select(c => Gone(c.Name)));
        findings.AddRange(report.Findings.Where(f => !told.Contains(f.Column) && !(f.Kind == SkewKind.ColumnNew && known.Contains(f.Column))));
        return report with { TrainingRows = training.Rows, Columns = [.. training.Columns.Select(c => c.Name)], Findings = Sort(findings) };
    }

    /// <summary>Compares a table with the reference of a model.</summary>
    /// <param name="profile">The reference.</param>
    /// <param name="serving">The rows in service, before they are encoded.</param>
    /// <param name="drift">When a share or distribution differs; null for the defaults.</param>
    /// <returns>The report. Parts of dates are not compared.</returns>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public static SkewReport Compare(ReferenceProfile profile, Table serving, DriftOptions? drift = null)
    {
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(serving);
        ReferenceFeature[] inputs = [.. profile.Features.Where(f => f.Role == FeatureRole.Input && !IsPart(f, serving))];
        var findings = new List<SkewFinding>();
        var comparable = new List<ReferenceFeature>();
        var columns = new List<Column>();
        foreach (ReferenceFeature feature in inputs)
        {
            switch (serving.Find(feature.Name))
            {
                case null:
                    findings.Add(Gone(feature.Name));
                    break;
                case { } column when Fit(feature, column, findings) is { } fitted:
                    comparable.Add(feature);
                    columns.Add(fitted);
                    break;
            }
        }

        HashSet<string> known = [.. profile.Features.Select(f => f.Name), .. profile.Features.Where(f => IsPart(f, serving)).Select(SourceOf)];
        findings.AddRange(serving.Columns.Where(c => !known.Contains(c.Name)).Select(c => new SkewFinding(c.Name, SkewKind.ColumnNew, 1, 1, $"'{c.Name}' is not there in training.")));
        foreach ((ReferenceFeature feature, Column column) in comparable.Zip(columns))
        {
            SkewFinding? explained = (feature, column) switch
            {
                ({ Kind: InputKind.Number }, NumberColumn number) => Unit(feature, number),
                (_, TextColumn text) => Spelling(feature, text),
                _ => null,
            };
            if (explained is not null)
            {
                findings.Add(explained);
            }
        }

        if (comparable.Count > 0 && serving.Rows > 0)
        {
            var schema = new ModelSchema(ModelTask.Binary, [.. comparable.Select(f => new ModelInput(f.Name, f.Kind, f.Name))], [], string.Empty);
            var window = MonitorWindow.Of("skew", "skew", 1, profile with { Features = comparable }, EncodedTable.From(new Table(columns), schema));
            AddDrift(findings, DriftDetector.Compare(profile with { Features = comparable }, window, drift), drift ?? new DriftOptions());
        }

        return new SkewReport { TrainingRows = profile.Rows, ServingRows = serving.Rows, Columns = [.. inputs.Select(f => f.Name)], Findings = Sort(findings) };
    }

    /// <summary>Compares a window with the reference of its version.</summary>
    /// <param name="profile">The reference.</param>
    /// <param name="window">The window.</param>
    /// <param name="drift">When a share or distribution differs; null for the defaults.</param>
    /// <returns>The report.</returns>
    /// <exception cref="MlopsDataException">The window was counted by another reference; code <c>monitoring.profile_mismatch</c>.</exception>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public static SkewReport Compare(ReferenceProfile profile, MonitorWindow window, DriftOptions? drift = null)
    {
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(window);
        DriftReport report = DriftDetector.Compare(profile, window, drift);
        var findings = new List<SkewFinding>();
        foreach (FeatureDrift feature in report.Features.Where(f => f.Role == FeatureRole.Input && f is { Kind: InputKind.Number, Values: >= LeastValues }))
        {
            if (feature is { ReferenceMean: { } before, ReferenceStandardDeviation: { } beforeDeviation, Mean: { } now, StandardDeviation: { } nowDeviation }
                && UnitGuess.OfMoments(before, beforeDeviation, now, nowDeviation) is { } guess)
            {
                findings.Add(Tell(feature.Name, guess, before, now, "mean"));
            }
        }

        AddDrift(findings, report with { Features = [.. report.Features.Where(f => f.Role == FeatureRole.Input)] }, drift ?? new DriftOptions());
        return new SkewReport { TrainingRows = profile.Rows, ServingRows = window.Rows, Columns = [.. report.Features.Where(f => f.Role == FeatureRole.Input).Select(f => f.Name)], Findings = Sort(findings) };
    }

    /// <summary>Makes a column of the reference's kind; what is of another type is told, and is no value unless it reads as one.</summary>
    private static Column? Fit(ReferenceFeature feature, Column column, List<SkewFinding> findings)
    {
        int values = column.Rows - Missing(column);
        if (feature.Kind == InputKind.Text)
        {
            if (column is not TextColumn && values > 0)
            {
                findings.Add(new SkewFinding(feature.Name, SkewKind.Type, 1, 1, $"'{feature.Name}' is a text in training and {Kind(column)} in service."));
            }

            return column is TextColumn ? column : null;
        }

        switch (column)
        {
            case TextColumn text when values == 0:
                return new NumberColumn(feature.Name, Enumerable.Repeat(double.NaN, text.Rows).ToArray());
            case TextColumn text:
                double[] read = Array.ConvertAll(text.Dictionary, t => double.TryParse(t, NumberStyles.Float, CultureInfo.InvariantCulture, out double v) ? v : double.NaN);
                double[] numbers = Array.ConvertAll(text.Codes, c => c < 0 ? double.NaN : read[c]);
                int reads = numbers.Count(v => !double.IsNaN(v));
                string example = text.Codes.Where(c => c >= 0 && double.IsNaN(read[c])).Select(c => $", such as '{Shorten(text.Dictionary[c])}'").FirstOrDefault(string.Empty);
                findings.Add(new SkewFinding(feature.Name, SkewKind.Type, 1, (values - reads) / (double)values,
                    string.Create(CultureInfo.InvariantCulture, $"'{feature.Name}' is a number in training and a text in service: {values - reads} of {values} values do not read as a number{example}.")));
                return reads * 2 >= values ? new NumberColumn(feature.Name, numbers) : null;
            case TimeColumn time:
                return new NumberColumn(feature.Name, Array.ConvertAll(time.Ticks, t => (double)Conversions.Slot(t, DatePart.None)));
            default:
                return column;
        }
    }

    private static SkewFinding? Unit(ReferenceFeature feature, NumberColumn column)
    {
        double[] sorted = [.. column.Values.Where(double.IsFinite)];
        double total = feature.Counts.Sum();
        if (sorted.Length < LeastValues || total < LeastValues || feature.Edges.Length < 5)
        {
            return null;
        }

        Array.Sort(sorted);
        double[] before = Array.ConvertAll(feature.Edges, e => (double)e);
        double[] now = new double[before.Length];
        long upTo = 0;
        for (int i = 0; i < before.Length; i++)
        {
            upTo += feature.Counts[i];
            now[i] = sorted[Math.Clamp((int)Math.Ceiling(sorted.Length * (upTo / total)) - 1, 0, sorted.Length - 1)];
        }

        return UnitGuess.Of(before, now) is { } guess ? Tell(feature.Name, guess, before[before.Length / 2], now[now.Length / 2], "median") : null;
    }

    private static SkewFinding Tell(string name, UnitGuess guess, double before, double now, string middle) =>
        new(name, SkewKind.Unit, guess.Sureness, double.IsNaN(guess.Factor) ? null : guess.Factor,
            string.Create(CultureInfo.InvariantCulture, $"'{name}' {(guess.Sureness >= 0.5 ? "is" : "may be")} in another unit or scale: {guess.Name} ({middle} {before:G4} in training, {now:G4} in service; {guess.Sureness * 100:0} % sure)."));

    private static SkewFinding? Spelling(ReferenceFeature feature, TextColumn column)
    {
        var exact = new HashSet<string>(feature.Categories, StringComparer.Ordinal);
        var plain = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string category in feature.Categories)
        {
            plain.TryAdd(Plain(category), category); // most frequent first
        }

        (string Now, string Before)?[] pairs = Array.ConvertAll(column.Dictionary, text => !exact.Contains(text) && plain.TryGetValue(Plain(text), out string? before) ? (text, before) : ((string, string)?)null);
        long[] rows = new long[column.Dictionary.Length];
        long values = 0;
        foreach (int code in column.Codes.Where(c => c >= 0))
        {
            rows[code]++;
            values++;
        }

        var found = pairs.Zip(rows).Where(p => p.First is not null && p.Second > 0).OrderByDescending(p => p.Second).ToArray();
        long spelled = found.Sum(p => p.Second);
        if (spelled == 0 || spelled < values * LeastSpelled)
        {
            return null;
        }

        string shown = string.Join(", ", found.Take(MostPairs).Select(p => string.Create(CultureInfo.InvariantCulture, $"'{Shorten(p.First!.Value.Now)}' for '{Shorten(p.First.Value.Before)}' ({p.Second} rows)")));
        string rest = found.Length > MostPairs ? string.Create(CultureInfo.InvariantCulture, $" and {found.Length - MostPairs} more") : string.Empty;
        return new SkewFinding(feature.Name, SkewKind.Spelling, 1, spelled / (double)values, $"'{feature.Name}' is spelled in another way: {shown}{rest}.");
    }

    /// <summary>Takes out what people and programs write differently: case, blanks, accents of Latin letters, full-width forms, and signs between letters and digits. Does not depend on the culture data of the machine.</summary>
    private static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            char narrow = c is >= '\uFF01' and <= '\uFF5E' ? (char)(c - 0xFEE0) : c;
            if (char.IsLetterOrDigit(narrow))
            {
                char upper = char.ToUpperInvariant(narrow);
                plain.Append(upper < 128 ? upper : Accented.GetValueOrDefault(upper, upper));
            }
        }

        return plain.Length > 0 ? plain.ToString() : text.Trim();
    }

    private static void AddDrift(List<SkewFinding> findings, DriftReport report, DriftOptions drift)
    {
        HashSet<string> explained = [.. findings.Where(f => f.Kind is SkewKind.Unit or SkewKind.Spelling).Select(f => f.Column)];
        foreach (FeatureDrift feature in report.Features)
        {
            ShareChange? missing = feature.Shares.FirstOrDefault(s => s.Kind == ShareKind.Missing && s.Status is DriftStatus.Watch or DriftStatus.Drifted);
            if (missing is not null)
            {
                findings.Add(new SkewFinding(feature.Name, SkewKind.MissingShare, 1 - (missing.AdjustedPValue ?? missing.PValue), missing.Current - missing.Reference,
                    string.Create(CultureInfo.InvariantCulture, $"'{feature.Name}' has no value in {missing.Reference * 100:0.#} % of the rows in training and {missing.Current * 100:0.#} % in service.")));
            }

            // where missing values moved, the rest must have moved by itself to be told
            bool only = missing is not null && feature.Psi < drift.Watch && !feature.Shares.Any(s => s.Kind != ShareKind.Missing && s.Status is DriftStatus.Watch or DriftStatus.Drifted);
            if (feature.Status is DriftStatus.Watch or DriftStatus.Drifted && !explained.Contains(feature.Name) && !only)
            {
                findings.Add(new SkewFinding(feature.Name, SkewKind.Distribution, 1 - (feature.AdjustedPValue ?? feature.ChiSquare.PValue), feature.Psi,
                    string.Create(CultureInfo.InvariantCulture, $"'{feature.Name}' is distributed differently (PSI {feature.Psi:0.000}): {feature.Change}.")));
            }
        }
    }

    private static IReadOnlyList<SkewFinding> Sort(List<SkewFinding> findings) =>
        [.. findings.OrderBy(f => f.Kind).ThenByDescending(f => Math.Abs(f.Effect ?? 0)).ThenBy(f => f.Column, StringComparer.Ordinal)];

    private static bool IsPart(ReferenceFeature feature, Table serving) =>
        serving.Find(feature.Name) is null && feature.Name.LastIndexOf('.') is > 0 && serving.Find(SourceOf(feature)) is TimeColumn;

    private static string SourceOf(ReferenceFeature feature) => feature.Name.LastIndexOf('.') is > 0 and var dot ? feature.Name[..dot] : feature.Name;

    private static SkewFinding Gone(string name) => new(name, SkewKind.ColumnMissing, 1, 1, $"'{name}' is not there in service.");

    private static int Missing(Column column) => Enumerable.Range(0, column.Rows).Count(column.IsMissing);

    private static string Kind(Column column) => column switch
    {
        NumberColumn { Kind: NumberKind.Boolean } => "yes or no",
        NumberColumn => "a number",
        TimeColumn => "a time",
        _ => "a text",
    };

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
