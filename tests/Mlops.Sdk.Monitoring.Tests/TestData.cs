using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Rows with a number, a second number and a text, and what a model of them looks like.</summary>
internal static class TestData
{
    public static ModelSchema Schema { get; } = new(
        ModelTask.Binary,
        [
            new ModelInput("Speed", InputKind.Number, "Speed"),
            new ModelInput("Operator", InputKind.Text, "Operator"),
            new ModelInput("Height", InputKind.Number, "Height"),
        ],
        [ModelOutputs.Probability],
        "Damage");

    public static EncodedTable Rows(IReadOnlyList<double> speed, IReadOnlyList<string?> op, IReadOnlyList<double>? height = null) => EncodedTable.From(
        new Table(
        [
            new NumberColumn("Speed", [.. speed]),
            Texts("Operator", op),
            new NumberColumn("Height", [.. height ?? speed]),
        ]),
        Schema);

    /// <summary>Rows from one seeded distribution: speed normal and missing in a share, operators by weight, height exponential.</summary>
    public static EncodedTable Sample(int seed, int rows, double mean = 100, double missing = 0.12, string[]? operators = null, double deviation = 20)
    {
        var random = new Random(seed);
        operators ??= ["ACME", "ACME", "ACME", "BIRD", "BIRD", "CROW"];
        double[] speed = new double[rows];
        string?[] op = new string?[rows];
        double[] height = new double[rows];
        for (int i = 0; i < rows; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            speed[i] = random.NextDouble() < missing ? double.NaN : mean + (deviation * normal);
            op[i] = operators[random.Next(operators.Length)];
            height[i] = -1000 * Math.Log(1 - random.NextDouble());
        }

        return Rows(speed, op, height);
    }

    public static float[][] Answers(EncodedTable rows, int seed = 1)
    {
        var random = new Random(seed);
        return [[.. Enumerable.Range(0, rows.Rows).Select(_ => random.NextSingle())]];
    }

    public static DriftReport Compare(ReferenceProfile profile, EncodedTable rows, DriftOptions? drift = null, AlertOptions? alerts = null) =>
        DriftDetector.Compare(profile, MonitorWindow.Of("w", "m", 1, profile, rows), drift, alerts);

    public static FeatureDrift Of(this DriftReport report, string feature) => report.Features.Single(f => f.Name == feature);

    private static TextColumn Texts(string name, IReadOnlyList<string?> values)
    {
        string[] dictionary = [.. values.OfType<string>().Distinct()];
        Dictionary<string, int> codes = dictionary.Index().ToDictionary(d => d.Item, d => d.Index);
        return new TextColumn(name, [.. values.Select(v => v is null ? -1 : codes[v])], dictionary);
    }
}
