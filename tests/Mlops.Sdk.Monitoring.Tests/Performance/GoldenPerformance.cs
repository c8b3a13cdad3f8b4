using System.Text.Json;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Known answers that Golden/performance.py computed with scikit-learn, scipy and numpy.</summary>
internal static class GoldenPerformance
{
    public static JsonElement Root { get; } = Read();

    public static float[] Floats(this JsonElement parent, string name) => [.. parent.GetProperty(name).EnumerateArray().Select(e => e.GetSingle())];

    public static double[] Doubles(this JsonElement parent, string name) => [.. parent.GetProperty(name).EnumerateArray().Select(e => e.GetDouble())];

    public static int[] Ints(this JsonElement parent, string name) => [.. parent.GetProperty(name).EnumerateArray().Select(e => e.GetInt32())];

    public static float[][] Columns(this JsonElement parent, string name) => [.. parent.GetProperty(name).EnumerateArray().Select(c => c.EnumerateArray().Select(e => e.GetSingle()).ToArray())];

    public static PerformanceRows Binary()
    {
        JsonElement golden = Root.GetProperty("binary");
        return PerformanceRows.Binary(golden.Floats("scores"), [.. golden.Ints("predicted").Select(p => p == 1)], [.. golden.Ints("actual").Select(p => p == 1)]);
    }

    public static PerformanceRows Multiclass()
    {
        JsonElement golden = Root.GetProperty("multiclass");
        return PerformanceRows.Multiclass(golden.Columns("scores"), golden.Ints("predicted"), golden.Ints("actual"));
    }

    public static PerformanceRows Regression()
    {
        JsonElement golden = Root.GetProperty("regression");
        return PerformanceRows.Regression(golden.Floats("predicted"), golden.Doubles("actual"));
    }

    /// <summary>Asserts that two numbers differ by at most a share of the expected one.</summary>
    public static void Near(double expected, double? actual, double relative, string what)
    {
        Assert.True(actual is { } value && Math.Abs(value - expected) <= relative * Math.Max(1e-3, Math.Abs(expected)), $"{what}: expected {expected:R}, found {actual:R}");
    }

    public static void AllNear(JsonElement expected, IReadOnlyDictionary<string, MetricValue> actual, double relative)
    {
        foreach (JsonProperty metric in expected.EnumerateObject())
        {
            Near(metric.Value.GetDouble(), actual.GetValueOrDefault(metric.Name)?.Value, relative, metric.Name);
        }
    }

    private static JsonElement Read()
    {
        using Stream stream = typeof(GoldenPerformance).Assembly.GetManifestResourceStream("Performance.performance.json")!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
