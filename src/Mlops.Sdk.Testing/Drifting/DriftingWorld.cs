using Mlops.Sdk.Data;

namespace Mlops.Sdk.Testing;

/// <summary>The made-up world behind <see cref="DriftingData"/>: how a customer comes about and what the label follows from.</summary>
internal static class DriftingWorld
{
    internal const double Correlation = 0.8;
    internal const double Intercept = -0.5;

    internal static readonly string[] Features =
    [
        nameof(DriftingRow.Income), nameof(DriftingRow.Age), nameof(DriftingRow.Usage), nameof(DriftingRow.Spend), nameof(DriftingRow.Visits),
        nameof(DriftingRow.Waiting), nameof(DriftingRow.Rating), nameof(DriftingRow.Region), nameof(DriftingRow.Channel),
    ];

    internal static readonly string[] Regions = ["North", "South", "East", "West", "Islands"];
    internal static readonly string[] Channels = ["Web", "App", "Phone"];
    private static readonly double[] RegionShares = [0.40, 0.25, 0.20, 0.10, 0.04]; // the rest is missing
    private static readonly double[] ChannelShares = [0.6, 0.3, 0.1];

    /// <summary>Draws what is hidden behind a row, before it is measured.</summary>
    internal static Customer Draw(SeededRandom random, double correlation)
    {
        double usage = random.NextNormal();
        double other = random.NextNormal();
        return new Customer
        {
            Income = random.NextNormal(),
            Age = random.NextNormal(),
            Usage = usage,
            Spend = (correlation * usage) + (Math.Sqrt(1 - (correlation * correlation)) * other),
            Visits = Poisson(random, 3),
            Waiting = -Math.Log(1 - random.NextDouble()),
            Rating = random.NextDouble() < 0.3 ? 2 + (0.5 * random.NextNormal()) : 4 + (0.5 * random.NextNormal()),
            Region = Pick(random, RegionShares),
            Channel = Pick(random, ChannelShares),
        };
    }

    /// <summary>The sum of all effects, about 0 on average; the intercept is not in it.</summary>
    internal static double Effects(in Customer c) =>
        (0.8 * c.Income) - (0.5 * c.Age) + (0.6 * c.Usage) + (0.4 * c.Spend) + (0.2 * (c.Visits - 3)) - (0.3 * (c.Waiting - 1)) + (0.3 * (c.Rating - 3.4)) + RegionEffect(c.Region) + ChannelEffect(c.Channel);

    internal static double RegionEffect(int region) => region switch { 0 => 0.2, 1 => -0.2, 2 => 0.1, 3 => -0.5, _ => 0 };

    internal static double ChannelEffect(int channel) => channel switch { 0 => -0.1, 1 => 0.3, 2 => -0.3, _ => 0 };

    private static int Pick(SeededRandom random, double[] shares)
    {
        double left = random.NextDouble();
        for (int i = 0; i < shares.Length; i++)
        {
            left -= shares[i];
            if (left < 0)
            {
                return i;
            }
        }

        return -1;
    }

    private static int Poisson(SeededRandom random, double mean)
    {
        double limit = Math.Exp(-mean);
        double product = random.NextDouble();
        int count = 0;
        for (; product > limit; count++)
        {
            product *= random.NextDouble();
        }

        return count;
    }
}

/// <summary>A customer in standard units: what the label follows from.</summary>
internal struct Customer
{
    internal double Income;
    internal double Age;
    internal double Usage;
    internal double Spend;
    internal double Visits;
    internal double Waiting;
    internal double Rating;
    internal int Region;
    internal int Channel;
}
