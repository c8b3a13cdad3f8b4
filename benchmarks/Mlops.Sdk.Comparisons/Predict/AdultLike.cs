namespace Mlops.Sdk.Comparisons;

/// <summary>A made-up table in the shape of the Adult census data: 6 numbers, 2 % of them missing, and 8 texts; yes or no. Same seed, same rows.</summary>
internal static class AdultLike
{
    private static readonly (string Name, int Categories)[] TextColumns =
    [
        ("Workclass", 8), ("Education", 16), ("MaritalStatus", 7), ("Occupation", 14), ("Relationship", 6), ("Ethnicity", 5), ("Sex", 2), ("Country", 41),
    ];

    public static AdultRow[] Generate(int rows, int seed)
    {
        var random = new Random(seed);
        double[][] effects = [.. TextColumns.Select(c => Enumerable.Range(0, c.Categories).Select(_ => Normal(random) * 0.7).ToArray())];
        string[][] names = [.. TextColumns.Select(c => Enumerable.Range(0, c.Categories).Select(i => $"{c.Name}-{i}").ToArray())];
        var table = new AdultRow[rows];
        for (int i = 0; i < rows; i++)
        {
            int[] codes = [.. TextColumns.Select(c => (int)(c.Categories * random.NextDouble() * random.NextDouble()))];
            float age = MathF.Round(17 + (73 * (float)Math.Pow(random.NextDouble(), 1.5)));
            float weight = MathF.Round(MathF.Exp(12 + (0.5f * (float)Normal(random))));
            float years = random.Next(1, 17);
            float gain = random.NextDouble() < 0.08 ? random.Next(100, 99_999) : 0;
            float loss = random.NextDouble() < 0.05 ? random.Next(100, 4_356) : 0;
            float hours = Math.Clamp(MathF.Round(40 + (12 * (float)Normal(random))), 1, 99);
            double logit = -2.2 + ((age - 40) * (60 - age) / 600) + (0.25 * (years - 9)) + (gain > 7_000 ? 3 : 0) + (loss > 1_800 ? 1.2 : 0) + (0.03 * (hours - 40))
                + effects.Select((e, c) => e[codes[c]]).Sum();
            table[i] = new AdultRow
            {
                Age = Missing(random, age),
                Weight = Missing(random, weight),
                EducationYears = Missing(random, years),
                CapitalGain = Missing(random, gain),
                CapitalLoss = Missing(random, loss),
                HoursPerWeek = Missing(random, hours),
                Workclass = names[0][codes[0]],
                Education = names[1][codes[1]],
                MaritalStatus = names[2][codes[2]],
                Occupation = names[3][codes[3]],
                Relationship = names[4][codes[4]],
                Ethnicity = names[5][codes[5]],
                Sex = names[6][codes[6]],
                Country = names[7][codes[7]],
                Label = random.NextDouble() < 1 / (1 + Math.Exp(-logit)),
            };
        }

        return table;
    }

    private static float Missing(Random random, float value) => random.NextDouble() < 0.02 ? float.NaN : value;

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}

/// <summary>A row, for ML.NET and for us alike.</summary>
internal sealed class AdultRow
{
    public float Age { get; set; }

    public float Weight { get; set; }

    public float EducationYears { get; set; }

    public float CapitalGain { get; set; }

    public float CapitalLoss { get; set; }

    public float HoursPerWeek { get; set; }

    public string Workclass { get; set; } = string.Empty;

    public string Education { get; set; } = string.Empty;

    public string MaritalStatus { get; set; } = string.Empty;

    public string Occupation { get; set; } = string.Empty;

    public string Relationship { get; set; } = string.Empty;

    public string Ethnicity { get; set; } = string.Empty;

    public string Sex { get; set; } = string.Empty;

    public string Country { get; set; } = string.Empty;

    public bool Label { get; set; }
}

/// <summary>What ML.NET's engine answers with: a class, as it demands.</summary>
internal sealed class EngineAnswer
{
    public float Score { get; set; }

    public float Probability { get; set; }

    public bool PredictedLabel { get; set; }
}

/// <summary>What our predictor answers with.</summary>
internal readonly record struct Answer(float Score, float Probability, bool PredictedLabel);
