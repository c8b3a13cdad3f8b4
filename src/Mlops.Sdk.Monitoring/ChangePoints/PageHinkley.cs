using System.Text.Json;

namespace Mlops.Sdk.Monitoring;

/// <summary>Which way a mean is watched.</summary>
public enum ChangeDirection
{
    /// <summary>Up and down.</summary>
    Both,

    /// <summary>Up only, such as an error rate.</summary>
    Up,

    /// <summary>Down only, such as an accuracy.</summary>
    Down,
}

/// <summary>Watches the mean of a stream by the Page–Hinkley test: cheap, and quick on shifts of the size it is set for. Not thread-safe.</summary>
/// <remarks>
/// Upwards: m(t) = sum over i of (x(i) - mean(i) - delta), mean(i) the mean of the first i values; a change is called when m(t) exceeds
/// its smallest value so far by more than the threshold. Downwards the same with the signs turned. After a change it starts anew. Delta
/// is the drift of the mean that is tolerated, the threshold how much excess is collected: twice the threshold means later and far fewer
/// false alarms. Both are in the unit of the values.
/// <para>Sources: E. Page, Continuous inspection schemes, Biometrika 41, 1954; J. Gama et al., A survey on concept drift adaptation, ACM Computing Surveys 46, 2014.</para>
/// </remarks>
public sealed class PageHinkley
{
    private readonly PageHinkleyOptions _options;
    private long _seen;
    private long _count;
    private double _mean;
    private double _up;
    private double _smallest;
    private double _down;
    private double _largest;

    /// <summary>Starts to watch.</summary>
    /// <param name="options">How; null for the defaults.</param>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public PageHinkley(PageHinkleyOptions? options = null)
    {
        _options = options ?? new PageHinkleyOptions();
        _options.Check();
    }

    /// <summary>Gets how many values were seen.</summary>
    public long Seen => _seen;

    /// <summary>Gets how many values were seen since the start or the last change.</summary>
    public long Count => _count;

    /// <summary>Gets their mean.</summary>
    public double Mean => _mean;

    /// <summary>Gets how much excess is collected, of the threshold.</summary>
    public double Excess => Math.Max(
        _options.Direction == ChangeDirection.Down ? 0 : _up - _smallest,
        _options.Direction == ChangeDirection.Up ? 0 : _largest - _down);

    /// <summary>Takes a value.</summary>
    /// <param name="value">The value, finite.</param>
    /// <returns>Whether the mean changed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not finite.</exception>
    public bool Add(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "Values are finite. Leave missing ones out.");
        }

        _seen++;
        _count++;
        _mean += (value - _mean) / _count;
        _up += value - _mean - _options.Delta;
        _smallest = Math.Min(_smallest, _up);
        _down += value - _mean + _options.Delta;
        _largest = Math.Max(_largest, _down);
        if (_count < _options.MinimumRows || !(Excess > _options.Threshold))
        {
            return false;
        }

        (_count, _mean, _up, _smallest, _down, _largest) = (0, 0, 0, 0, 0, 0);
        return true;
    }

    /// <summary>Writes the state.</summary>
    /// <returns>UTF-8 JSON with the version of its format.</returns>
    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(
        new StreamState
        {
            Kind = "page-hinkley",
            Delta = _options.Delta,
            Threshold = _options.Threshold,
            Minimum = _options.MinimumRows,
            Seen = _seen,
            Numbers = [_count, _mean, _up, _smallest, _down, _largest, (int)_options.Direction],
        },
        StreamStateJson.Default.StreamState);

    /// <summary>Reads a state, to go on where it was written.</summary>
    /// <param name="json">What <see cref="Serialize"/> wrote.</param>
    /// <returns>The same watcher.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are no such state (<c>monitoring.unreadable_state</c>) or of a newer format (<c>monitoring.newer_format</c>).</exception>
    public static PageHinkley Deserialize(ReadOnlySpan<byte> json)
    {
        StreamState state = StreamState.Read(json, "page-hinkley", s => s is { Delta: >= 0, Threshold: > 0, Minimum: >= 1 and <= 1_000_000, Seen: >= 0, Numbers: { Length: 7 } n }
            && Array.TrueForAll(n, double.IsFinite) && n[0] >= 0 && n[6] is 0 or 1 or 2);
        double[] numbers = state.Numbers!;
        return new PageHinkley(new PageHinkleyOptions { Delta = state.Delta, Threshold = state.Threshold, MinimumRows = (int)state.Minimum, Direction = (ChangeDirection)(int)numbers[6] })
        {
            _seen = state.Seen,
            _count = (long)numbers[0],
            _mean = numbers[1],
            _up = numbers[2],
            _smallest = numbers[3],
            _down = numbers[4],
            _largest = numbers[5],
        };
    }
}

/// <summary>How <see cref="PageHinkley"/> watches.</summary>
public sealed record PageHinkleyOptions
{
    /// <summary>Gets the drift of the mean that is tolerated, in the unit of the values.</summary>
    /// <value>At least 0. The default is 0.005.</value>
    public double Delta { get; init; } = 0.005;

    /// <summary>Gets how much excess makes a change, in the unit of the values.</summary>
    /// <value>Above 0. The default is 50.</value>
    public double Threshold { get; init; } = 50;

    /// <summary>Gets how many values are needed before a change can be called.</summary>
    /// <value>From 1 to 1,000,000. The default is 30.</value>
    public int MinimumRows { get; init; } = 30;

    /// <summary>Gets which way the mean is watched.</summary>
    /// <value>The default is both.</value>
    public ChangeDirection Direction { get; init; } = ChangeDirection.Both;

    internal void Check()
    {
        if (!(Delta >= 0 && double.IsFinite(Delta) && Threshold > 0 && double.IsFinite(Threshold)) || MinimumRows is < 1 or > 1_000_000 || !Enum.IsDefined(Direction))
        {
            throw new MlopsException("monitoring.invalid_option", FormattableString.Invariant($"Page-Hinkley: {nameof(Delta)} ({Delta}) must be at least 0, {nameof(Threshold)} ({Threshold}) above 0, {nameof(MinimumRows)} ({MinimumRows}) from 1 to 1,000,000, {nameof(Direction)} ({Direction}) one of its names."));
        }
    }
}
