namespace Mlops.Sdk.Monitoring;

/// <summary>Finds when the level of a series of signals changed, looking back. Pure and thread-safe.</summary>
/// <remarks>
/// The series is cut where that lowers the sum of squared deviations from each part's mean by more than a penalty per cut of
/// 2 k s^2 ln(n), with n the length, k the strictness, and s the noise: the median of the absolute differences of neighbours, divided by
/// 0.9539 (what it is for normal values), so that the steps that are looked for do not count as noise. All ways to cut are considered, by
/// dynamic programming; the best one is found exactly. The work grows with the square of the length (10,000 spans: well below a second).
/// <para>Source: B. Jackson et al., An algorithm for optimal partitioning of data on an interval, IEEE Signal Processing Letters 12, 2005.</para>
/// </remarks>
public static class ChangePoints
{
    private const double NormalDifference = 0.9538725524; // the median of |x - y|, x and y standard normal: sqrt(2) times 0.6744897502

    /// <summary>Finds the changes of level in signals.</summary>
    /// <param name="signals">The signals, in any order and of any models, versions, segments and names: each series is looked at on its own, by its spans' ends.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <returns>The changes, in order of time.</returns>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static IReadOnlyList<ChangePoint> Find(IEnumerable<MonitorSignal> signals, ChangePointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(signals);
        options ??= new ChangePointOptions();
        options.Check();
        var found = new List<ChangePoint>();
        foreach (IGrouping<(string Model, int Version, string? Segment, string Name), MonitorSignal> group in signals.GroupBy(s => (s.Model, s.Version, s.Segment, s.Name)))
        {
            MonitorSignal[] series = [.. group.OrderBy(s => s.To).ThenBy(s => s.From)];
            double[] values = Array.ConvertAll(series, s => s.Value);
            int[] cuts = Cuts(values, options);
            for (int i = 0; i < cuts.Length; i++)
            {
                int from = i == 0 ? 0 : cuts[i - 1];
                int end = i + 1 < cuts.Length ? cuts[i + 1] : values.Length;
                found.Add(new ChangePoint(group.Key.Model, group.Key.Version, group.Key.Segment, group.Key.Name, series[cuts[i]].From, values[from..cuts[i]].Average(), values[cuts[i]..end].Average(), end - cuts[i]));
            }
        }

        return [.. found.OrderBy(c => c.At).ThenBy(c => c.Model, StringComparer.Ordinal).ThenBy(c => c.Version).ThenBy(c => c.Segment, StringComparer.Ordinal).ThenBy(c => c.Name, StringComparer.Ordinal)];
    }

    /// <summary>Finds where the parts after the first begin.</summary>
    internal static int[] Cuts(ReadOnlySpan<double> values, ChangePointOptions options)
    {
        int n = values.Length;
        if (n < 2 * options.ShortestPart)
        {
            return [];
        }

        double noise = Noise(values);
        double[] sums = new double[n + 1];
        double[] squares = new double[n + 1];
        double middle = values[n / 2]; // near the values, so that little cancels
        for (int i = 0; i < n; i++)
        {
            double x = values[i] - middle;
            sums[i + 1] = sums[i] + x;
            squares[i + 1] = squares[i] + (x * x);
        }

        // without noise (a step between constants) any cut that helps is right; the floor keeps rounding from being one
        double penalty = Math.Max(2 * options.Strictness * noise * noise * Math.Log(n), 1e-9 * squares[n]);
        double[] best = new double[n + 1];
        int[] last = new int[n + 1];
        best[0] = -penalty;
        for (int end = options.ShortestPart; end <= n; end++)
        {
            best[end] = best[0] + Cost(sums, squares, 0, end) + penalty;
            for (int start = options.ShortestPart; start <= end - options.ShortestPart; start++)
            {
                double cost = best[start] + Cost(sums, squares, start, end) + penalty;
                if (cost < best[end])
                {
                    (best[end], last[end]) = (cost, start);
                }
            }
        }

        var cuts = new List<int>();
        for (int at = last[n]; at > 0; at = last[at])
        {
            cuts.Add(at);
        }

        cuts.Reverse();
        return [.. cuts];
    }

    private static double Cost(double[] sums, double[] squares, int start, int end)
    {
        double sum = sums[end] - sums[start];
        return Math.Max(0, squares[end] - squares[start] - (sum * sum / (end - start)));
    }

    private static double Noise(ReadOnlySpan<double> values)
    {
        double[] differences = new double[values.Length - 1];
        for (int i = 0; i < differences.Length; i++)
        {
            differences[i] = Math.Abs(values[i + 1] - values[i]);
        }

        Array.Sort(differences);
        return (differences[(differences.Length - 1) / 2] + differences[differences.Length / 2]) / 2 / NormalDifference;
    }
}

/// <summary>When the level of a series changed.</summary>
/// <param name="Model">The model.</param>
/// <param name="Version">The version.</param>
/// <param name="Segment">The segment, or null for all rows.</param>
/// <param name="Name">The signal's name.</param>
/// <param name="At">When the first span on the new level began.</param>
/// <param name="Before">The mean on the level before.</param>
/// <param name="After">The mean on the new level.</param>
/// <param name="Spans">How many spans the new level has.</param>
public sealed record ChangePoint(string Model, int Version, string? Segment, string Name, DateTimeOffset At, double Before, double After, int Spans);

/// <summary>How <see cref="ChangePoints"/> looks.</summary>
public sealed record ChangePointOptions
{
    /// <summary>Gets how strict the penalty per cut is.</summary>
    /// <value>Above 0. The default is 3; 1 is the Bayesian information criterion, which cuts more.</value>
    public double Strictness { get; init; } = 3;

    /// <summary>Gets how many spans a level has at least.</summary>
    /// <value>From 2 to 1,000. The default is 3.</value>
    public int ShortestPart { get; init; } = 3;

    internal void Check()
    {
        if (!(Strictness > 0 && double.IsFinite(Strictness)) || ShortestPart is < 2 or > 1000)
        {
            throw new MlopsException("monitoring.invalid_option", FormattableString.Invariant($"Change points: {nameof(Strictness)} ({Strictness}) must be above 0, {nameof(ShortestPart)} ({ShortestPart}) from 2 to 1,000."));
        }
    }
}
