namespace Mlops.Sdk.Monitoring;

/// <summary>The predictions of one version in one window: histograms of all of them, and columns of those whose truth came (about 24 bytes a row).</summary>
internal sealed class OutcomeBucket(OutcomeLayout layout)
{
    private readonly List<float>[] _scores = [.. Enumerable.Range(0, layout.Scores).Select(_ => new List<float>())];
    private readonly List<float> _answers = [];
    private readonly List<double> _truths = [];
    private readonly List<double> _delays = [];
    private readonly List<string?> _segments = [];
    private readonly long[] _states = new long[4];
    private readonly long[] _answered = new long[layout.Task == ModelTask.Regression ? 0 : Math.Max(2, layout.Scores)];
    private readonly long[] _answeredTold = new long[layout.Task == ModelTask.Regression ? 0 : Math.Max(2, layout.Scores)];

    internal OutcomeLayout Layout { get; } = layout;

    /// <summary>Gets the histogram of all scores; null for a regression.</summary>
    internal ScoreCounts? Scores { get; } = layout.Task == ModelTask.Regression ? null : new ScoreCounts(layout.Scores);

    internal long Predictions { get; private set; }

    internal long Repeated { get; private set; }

    internal long Relabelled { get; private set; }

    internal long OtherVersion { get; set; }

    /// <summary>Gets the expected losses of all predictions that have them.</summary>
    internal LossSums Losses { get; } = new();

    internal int Labelled => _truths.Count;

    /// <summary>Gets the delays in seconds, one for each truth.</summary>
    internal IReadOnlyList<double> Delays => _delays;

    internal IReadOnlyList<string?> Segments => _segments;

    internal long Of(OutcomeState state) => _states[(int)state];

    internal void Add(in StoredPrediction prediction, bool repeated)
    {
        Predictions++;
        Repeated += repeated ? 1 : 0;
        if (float.IsFinite(prediction.AbsoluteLoss))
        {
            Losses.Add(prediction.AbsoluteLoss, prediction.SquaredLoss);
        }

        if (Scores is null)
        {
            return;
        }

        int answer = (int)prediction.Answer;
        if (answer >= 0 && answer < _answered.Length)
        {
            _answered[answer]++;
        }

        for (int c = 0; c < prediction.Scores.Length; c++)
        {
            Scores.Add(c, prediction.Scores.Length == 1 ? answer != 0 : answer == c, prediction.Scores[c]);
        }
    }

    internal void Count(OutcomeState state) => _states[(int)state]++;

    internal void AddTruth(in StoredPrediction prediction, double truth, long delay, bool again)
    {
        for (int i = 0; i < _scores.Length; i++)
        {
            _scores[i].Add(prediction.Scores[i]);
        }

        _answers.Add(prediction.Answer);
        _truths.Add(truth);
        _delays.Add(Math.Max(0, delay) / (double)TimeSpan.TicksPerSecond);
        _segments.Add(prediction.Segment);
        Relabelled += again ? 1 : 0;
        int answer = (int)prediction.Answer;
        if (answer >= 0 && answer < _answeredTold.Length)
        {
            _answeredTold[answer]++;
        }
    }

    internal PerformanceRows Rows() => PerformanceRows.Create(Layout.Task, [.. _scores.Select(s => s.ToArray())], [.. _answers.Select(a => (double)a)], [.. _truths]);

    /// <summary>Gets, for each answer, how many predictions had it and how many of these have a truth.</summary>
    internal IEnumerable<(long Predictions, long Labelled)> ByAnswer() => _answered.Zip(_answeredTold);

    /// <summary>Gets the delays of the rows of one true class.</summary>
    internal double[] DelaysOf(int truth) => [.. Enumerable.Range(0, _truths.Count).Where(i => (int)_truths[i] == truth).Select(i => _delays[i])];
}

/// <summary>Sums of expected losses: what an estimate of a regression needs to know of a window. Merges.</summary>
internal sealed class LossSums
{
    internal long Rows { get; private set; }

    internal double Absolute { get; private set; }

    internal double AbsoluteSquares { get; private set; }

    internal double Squared { get; private set; }

    internal double SquaredSquares { get; private set; }

    internal void Add(double absolute, double squared)
    {
        Rows++;
        Absolute += absolute;
        AbsoluteSquares += absolute * absolute;
        Squared += squared;
        SquaredSquares += squared * squared;
    }

    internal void Add(LossSums other)
    {
        Rows += other.Rows;
        Absolute += other.Absolute;
        AbsoluteSquares += other.AbsoluteSquares;
        Squared += other.Squared;
        SquaredSquares += other.SquaredSquares;
    }

    internal void Clear() => (Rows, Absolute, AbsoluteSquares, Squared, SquaredSquares) = (0, 0, 0, 0, 0);
}
