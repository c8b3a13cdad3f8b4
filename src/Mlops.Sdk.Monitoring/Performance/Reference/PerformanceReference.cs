using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>How a version did on rows it had not seen when it was made: what later performance, realised and estimated, is held against. Stored with the version as <c>performance.json</c>.</summary>
/// <remarks>It holds facts about the rows and no row: metrics, their spread over chunks, the calibration of scores.</remarks>
public sealed record PerformanceReference
{
    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The name of the file in a version.</summary>
    public const string FileName = "performance.json";

    internal const int MaxBytes = 16 << 20;
    private const int MaxChunks = 20;
    private const int LeastChunk = 50;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets the kind of task.</summary>
    public required ModelTask Task { get; init; }

    /// <summary>Gets how many rows it was made of.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets the metrics of all rows by name, with 95 % intervals.</summary>
    public required IReadOnlyDictionary<string, MetricValue> Metrics { get; init; }

    /// <summary>Gets the spread of the metrics over chunks of the rows in their order, by name; empty when there were too few rows.</summary>
    public IReadOnlyDictionary<string, MetricSpread> Chunks { get; init; } = new Dictionary<string, MetricSpread>(StringComparer.Ordinal);

    /// <summary>Gets how the scores stand to the truth, for each class; one element, the class yes, for yes and no; empty for a regression.</summary>
    public IReadOnlyList<ClassReference> Classes { get; init; } = [];

    /// <summary>Gets the smallest answer or probability that was given.</summary>
    public double Minimum { get; init; }

    /// <summary>Gets the largest answer or probability that was given.</summary>
    public double Maximum { get; init; }

    /// <summary>Makes the reference of rows that the model has not seen in training.</summary>
    /// <param name="rows">The model's answers and the truth, in the order of time where there is one; at least one row.</param>
    /// <returns>The reference. Chunks are made of at least 50 rows each, at most 20 of them, and none below 100 rows.</returns>
    /// <exception cref="ArgumentException">There is no row.</exception>
    public static PerformanceReference Of(PerformanceRows rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0)
        {
            throw new ArgumentException("A reference needs at least one row with its truth; none was given.", nameof(rows));
        }

        return new PerformanceReference
        {
            Task = rows.Task,
            Rows = rows.Count,
            Metrics = PerformanceMetrics.Of(rows).Metrics,
            Chunks = SpreadOf(rows),
            Classes = rows.Task == ModelTask.Regression ? [] : [.. rows.Scores.Select((scores, c) => ClassReference.Of(scores, ClassOf(rows, c)))],
            Minimum = rows.Scores.Min(s => s.Min()),
            Maximum = rows.Scores.Max(s => s.Max()),
        };
    }

    /// <summary>Reads a reference.</summary>
    /// <param name="json">Its bytes, at most 16 MiB.</param>
    /// <returns>The reference.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are none (<c>monitoring.unreadable_reference</c>) or of a newer format (<c>monitoring.newer_format</c>).</exception>
    public static PerformanceReference Deserialize(ReadOnlySpan<byte> json)
    {
        PerformanceReference? reference;
        try
        {
            reference = json.Length <= MaxBytes ? JsonSerializer.Deserialize(json, PerformanceJson.Default.PerformanceReference) : null;
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_reference", $"A {FileName} is expected; the bytes do not read as one: {error.Message} Restore it from a copy.", error);
        }

        if (reference is { Format: > CurrentFormat })
        {
            throw new MlopsIntegrityException("monitoring.newer_format", $"The {FileName} has format {reference.Format}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return reference is not null && reference.IsSane()
            ? reference
            : throw new MlopsIntegrityException("monitoring.unreadable_reference", $"A {FileName} of at most {MaxBytes} bytes with finite metrics and rising calibration maps is expected; the bytes found are not one. Restore it from a copy.");
    }

    /// <summary>Writes the reference.</summary>
    /// <returns>UTF-8 JSON.</returns>
    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(this, PerformanceJson.Default.PerformanceReference);

    /// <summary>Tells within which bounds a metric is expected for a window: mean ± 3 standard deviations of the reference's chunks, wider for windows that are smaller than a chunk.</summary>
    /// <param name="metric">The metric's name.</param>
    /// <param name="rows">How many rows the window has.</param>
    /// <returns>The bounds, or null when the reference has no chunks.</returns>
    public (double Low, double High)? ThresholdsOf(string metric, long rows)
    {
        if (rows <= 0 || !Chunks.TryGetValue(metric, out MetricSpread? spread))
        {
            return null;
        }

        double width = 3 * spread.StandardDeviation * Math.Max(1, Math.Sqrt(spread.Rows / (double)rows));
        (double least, double most) = BoundsOf(metric);
        return (Math.Max(least, spread.Mean - width), Math.Min(most, spread.Mean + width));
    }

    /// <summary>The standard error of a metric of an estimate: the sampling error for so many rows, by the reference or as told, whichever is larger, with the reference's own added, for what was learned from it is no more certain than it is.</summary>
    /// <param name="metric">The metric's name.</param>
    /// <param name="rows">How many rows the estimate is of, as if they were mixed as the reference's rows are.</param>
    /// <param name="sampling">The sampling error that follows from the estimate itself; 0 for none.</param>
    internal double? StandardErrorOf(string metric, double rows, double sampling = 0)
    {
        double perRoot = Metrics.GetValueOrDefault(metric) is { Lower: { } low, Upper: { } high }
            ? (high - low) / (2 * MetricIntervals.Z95) * Math.Sqrt(Rows)
            : Chunks.GetValueOrDefault(metric) is { } spread ? spread.StandardDeviation * Math.Sqrt(spread.Rows) : double.NaN;
        if (double.IsNaN(perRoot) || rows <= 0)
        {
            return sampling > 0 ? sampling : null;
        }

        double own = perRoot * perRoot / Rows;
        return Math.Sqrt(Math.Max(perRoot * perRoot / rows, sampling * sampling) + own);
    }

    internal static (double Least, double Most) BoundsOf(string metric) => metric switch
    {
        PerformanceNames.Bias => (double.NegativeInfinity, double.PositiveInfinity),
        PerformanceNames.R2 => (double.NegativeInfinity, 1),
        PerformanceNames.Mae or PerformanceNames.Rmse or PerformanceNames.Mape or PerformanceNames.LogLoss => (0, double.PositiveInfinity),
        PerformanceNames.Mcc => (-1, 1),
        _ => (0, 1),
    };

    internal static bool[] ClassOf(PerformanceRows rows, int number) =>
        rows.Task == ModelTask.Binary ? [.. rows.Actuals.Select(a => a != 0)] : [.. rows.Actuals.Select(a => (int)a == number)];

    private static Dictionary<string, MetricSpread> SpreadOf(PerformanceRows rows)
    {
        int chunks = Math.Min(MaxChunks, rows.Count / LeastChunk);
        var spread = new Dictionary<string, MetricSpread>(StringComparer.Ordinal);
        if (chunks < 2)
        {
            return spread;
        }

        var values = new Dictionary<string, List<double>>(StringComparer.Ordinal);
        for (int c = 0; c < chunks; c++)
        {
            int from = (int)((long)rows.Count * c / chunks);
            int to = (int)((long)rows.Count * (c + 1) / chunks);
            foreach ((string name, MetricValue value) in PerformanceMetrics.Of(rows.Take([.. Enumerable.Range(from, to - from)])).Metrics)
            {
                if (!values.TryGetValue(name, out List<double>? list))
                {
                    values[name] = list = [];
                }

                list.Add(value.Value);
            }
        }

        foreach ((string name, List<double> list) in values.Where(v => v.Value.Count > 1))
        {
            double mean = list.Average();
            spread[name] = new MetricSpread(list.Count, rows.Count / chunks, mean, Math.Sqrt(list.Sum(v => (v - mean) * (v - mean)) / (list.Count - 1)));
        }

        return spread;
    }

    private bool IsSane() =>
        Enum.IsDefined(Task) && Rows > 0 && Metrics is not null && Chunks is not null && Classes is not null && double.IsFinite(Minimum) && double.IsFinite(Maximum)
        && Metrics.All(m => m.Value is { } v && double.IsFinite(v.Value) && v.Lower is not double.NaN && v.Upper is not double.NaN)
        && Chunks.All(c => c.Value is { Count: > 1, Rows: > 0 } s && double.IsFinite(s.Mean) && double.IsFinite(s.StandardDeviation) && s.StandardDeviation >= 0)
        && (Task == ModelTask.Regression ? Classes.Count == 0 : Task == ModelTask.Binary ? Classes.Count == 1 : Classes.Count is >= 2 and <= 1_000)
        && Classes.All(c => c is not null && c.IsSane());
}

/// <summary>The spread of a metric over chunks.</summary>
/// <param name="Count">How many chunks it was defined for.</param>
/// <param name="Rows">How many rows a chunk has.</param>
/// <param name="Mean">The mean.</param>
/// <param name="StandardDeviation">The sample standard deviation.</param>
public sealed record MetricSpread(int Count, long Rows, double Mean, double StandardDeviation);

/// <summary>How the scores of a class stand to the truth.</summary>
/// <param name="Rate">The share of rows that are of the class.</param>
/// <param name="Error">The expected calibration error of the scores as they are.</param>
/// <param name="CalibratedError">The expected calibration error of calibrated scores, on rows they were not fitted to.</param>
/// <param name="Map">The calibration; null when it does not lower the error, and scores are taken as they are.</param>
public sealed record ClassReference(double Rate, double Error, double CalibratedError, CalibrationMap? Map)
{
    /// <summary>Turns a score into a probability.</summary>
    internal double Probability(double score) => Map?.Map(score) ?? Math.Clamp(score, 0, 1);

    internal static ClassReference Of(float[] scores, bool[] actual)
    {
        double[] asGiven = Array.ConvertAll(scores, s => Math.Clamp(s, 0.0, 1.0));
        double error = CalibrationCheck.ErrorOf(asGiven, actual);
        double calibrated = error;
        if (scores.Length >= 4)
        {
            // each half is judged by the map of the other half
            double[] mapped = new double[scores.Length];
            for (int half = 0; half < 2; half++)
            {
                int[] fitted = [.. Enumerable.Range(0, scores.Length).Where(i => i % 2 == half)];
                CalibrationMap map = CalibrationMap.Fit(Array.ConvertAll(fitted, i => scores[i]), Array.ConvertAll(fitted, i => actual[i]));
                for (int i = 1 - half; i < scores.Length; i += 2)
                {
                    mapped[i] = map.Map(scores[i]);
                }
            }

            calibrated = CalibrationCheck.ErrorOf(mapped, actual);
        }

        return new ClassReference(actual.Count(a => a) / (double)actual.Length, error, calibrated, calibrated < error ? CalibrationMap.Fit(scores, actual) : null);
    }

    internal bool IsSane() => Rate is >= 0 and <= 1 && Error is >= 0 and <= 1 && CalibratedError is >= 0 and <= 1 && (Map is null || Map.IsSane());
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PerformanceReference))]
[JsonSerializable(typeof(PerformanceReport))]
internal sealed partial class PerformanceJson : JsonSerializerContext;
