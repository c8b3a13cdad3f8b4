namespace Mlops.Sdk.Data;

/// <summary>Keeps the quantiles of a stream of numbers in bounded memory: a KLL sketch. Not thread-safe.</summary>
/// <remarks>
/// It keeps some of the numbers, each standing for 1, 2, 4 ... numbers of the stream: about 3 k of them at most, 5 KiB at the default size,
/// however long the stream is. While it has thrown nothing away (<see cref="IsExact"/>), answers are exact. After that the rank of a number
/// is off by at most <see cref="RankError"/> of the stream with 99 % confidence, whatever the numbers are and in whatever order they came.
/// Merging keeps the bound, however the stream was cut into parts and in whatever order they merge. The same calls with the same seed
/// give the same sketch on every machine.
/// <para>Source: Z. Karnin, K. Lang, E. Liberty, Optimal quantile approximation in streams, FOCS 2016; the constants of the bound are those that Apache DataSketches measured.</para>
/// </remarks>
public sealed partial class QuantileSketch
{
    /// <summary>The size when none is asked for.</summary>
    public const int DefaultK = 200;

    private const int SmallestLevel = 8;
    private const int MaxLevels = 60;

    private readonly ulong _seed;
    private double[][] _levels;   // an item of level h stands for 2^h numbers; level 0 in order of arrival, the others sorted
    private int[] _sizes;
    private int _items;
    private int _capacity;
    private long _compactions;
    private (double[] Values, long[] Ranks)? _view; // sorted, with cumulated weights; null after a change

    /// <summary>Creates an empty sketch.</summary>
    /// <param name="k">Its size: the bound shrinks and memory grows with it, 8 to 4,096.</param>
    /// <param name="seed">Decides which numbers are kept. Parts that will merge need not have the same one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    public QuantileSketch(int k = DefaultK, ulong seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, SmallestLevel);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, MaxK);
        K = k;
        _seed = seed;
        _levels = [new double[Math.Min(k, 16)]];
        _sizes = [0];
        _capacity = k;
    }

    /// <summary>Gets the size.</summary>
    public int K { get; }

    /// <summary>Gets how many numbers were taken in.</summary>
    public long Count { get; private set; }

    /// <summary>Gets the smallest number, exactly; NaN when there is none.</summary>
    public double Minimum { get; private set; } = double.NaN;

    /// <summary>Gets the largest number, exactly; NaN when there is none.</summary>
    public double Maximum { get; private set; } = double.NaN;

    /// <summary>Gets whether every number is still there.</summary>
    public bool IsExact => _levels.Length == 1;

    /// <summary>Gets by how much the rank of one number may be off, as a share of the stream, with 99 % confidence: 0.0133 at the default size, 0 while the sketch is exact.</summary>
    public double RankError => IsExact ? 0 : 2.296 / Math.Pow(K, 0.9723);

    /// <summary>Gets by how much any of the ranks asked for may be off at once, such as a whole distribution function, with 99 % confidence: 0.0165 at the default size, 0 while the sketch is exact.</summary>
    public double CurveError => IsExact ? 0 : 2.446 / Math.Pow(K, 0.9433);

    /// <summary>Takes a number in.</summary>
    /// <param name="value">The number.</param>
    /// <returns>False for NaN and the infinities, which are not taken in: count them beside.</returns>
    public bool Update(double value)
    {
        if (!double.IsFinite(value))
        {
            return false;
        }

        if (_items >= _capacity)
        {
            Compress();
        }

        Push(0, value);
        Count++;
        Widen(value, value);
        return true;
    }

    /// <summary>Takes numbers in.</summary>
    /// <param name="values">The numbers; NaN and the infinities are passed over.</param>
    public void Update(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            Update(value);
        }
    }

    /// <summary>Takes numbers in.</summary>
    /// <param name="values">The numbers; NaN and the infinities are passed over.</param>
    public void Update(ReadOnlySpan<double> values)
    {
        foreach (double value in values)
        {
            Update(value);
        }
    }

    /// <summary>Takes in all that another sketch has. The other one is not changed.</summary>
    /// <param name="other">A sketch of the same size.</param>
    /// <exception cref="ArgumentException">It is of another size, or this very sketch.</exception>
    public void Merge(QuantileSketch other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.K != K || ReferenceEquals(other, this))
        {
            throw new ArgumentException(ReferenceEquals(other, this) ? "A sketch does not merge with itself." : $"Sketches of one size merge; this one has k = {K}, the other k = {other.K}.", nameof(other));
        }

        if (other.Count == 0)
        {
            return;
        }

        while (_levels.Length < other._levels.Length)
        {
            AddLevel();
        }

        for (int level = 0; level < other._levels.Length; level++)
        {
            ReadOnlySpan<double> items = other._levels[level].AsSpan(0, other._sizes[level]);
            if (level == 0)
            {
                foreach (double item in items)
                {
                    Push(0, item);
                }
            }
            else
            {
                MergeInto(level, items);
            }
        }

        Count += other.Count;
        _compactions += other._compactions;
        Widen(other.Minimum, other.Maximum);
        while (_items > _capacity)
        {
            Compress();
        }
    }

    private static int CapacityOf(int k, int level, int levels) => Math.Max(SmallestLevel, (int)Math.Round(k * Math.Pow(2.0 / 3, levels - 1 - level)));

    private static int CapacityOf(int k, int levels)
    {
        int sum = 0;
        for (int level = 0; level < levels; level++)
        {
            sum += CapacityOf(k, level, levels);
        }

        return sum;
    }

    private void Widen(double minimum, double maximum)
    {
        _view = null;
        if (!(minimum >= Minimum))
        {
            Minimum = minimum;
        }

        if (!(maximum <= Maximum))
        {
            Maximum = maximum;
        }
    }

    private void Push(int level, double value)
    {
        int size = _sizes[level];
        if (size == _levels[level].Length)
        {
            Array.Resize(ref _levels[level], size * 2);
        }

        _levels[level][size] = value;
        _sizes[level] = size + 1;
        _items++;
    }

    private void AddLevel()
    {
        _levels = [.. _levels, new double[SmallestLevel]];
        _sizes = [.. _sizes, 0];
        _capacity = CapacityOf(K, _levels.Length);
    }

    /// <summary>Halves the lowest level that is full: every other item, the odd or the even ones by a coin, stands for two from now on.</summary>
    private void Compress()
    {
        int level = 0;
        while (_sizes[level] < CapacityOf(K, level, _levels.Length))
        {
            level++;
        }

        if (level == _levels.Length - 1)
        {
            AddLevel();
        }

        double[] items = _levels[level];
        int size = _sizes[level];
        int odd = size & 1; // one is left behind as it is
        Span<double> halved = items.AsSpan(odd, size - odd);
        if (level == 0)
        {
            halved.Sort();
        }

        int kept = halved.Length / 2;
        int offset = Coin(halved);
        for (int i = 0; i < kept; i++)
        {
            halved[i] = halved[(2 * i) + offset];
        }

        _sizes[level] = odd;
        _items -= halved.Length;
        MergeInto(level + 1, halved[..kept]);
    }

    /// <summary>Tosses a coin: by the seed and by the numbers themselves, so that parts with one seed do not all err the same way.</summary>
    private int Coin(ReadOnlySpan<double> sorted)
    {
        ulong toss = _seed ^ SketchBytes.Mix((ulong)++_compactions);
        foreach (int at in (ReadOnlySpan<int>)[0, sorted.Length / 3, sorted.Length * 2 / 3, sorted.Length - 1])
        {
            toss = SketchBytes.Mix(toss ^ BitConverter.DoubleToUInt64Bits(sorted[at]));
        }

        return (int)(toss >> 63);
    }

    /// <summary>Puts sorted items to those of a level, from the end, in place.</summary>
    private void MergeInto(int level, ReadOnlySpan<double> sorted)
    {
        int size = _sizes[level];
        int all = size + sorted.Length;
        if (_levels[level].Length < all)
        {
            Array.Resize(ref _levels[level], all);
        }

        double[] items = _levels[level];
        int from = size - 1;
        int other = sorted.Length - 1;
        for (int to = all - 1; other >= 0; to--)
        {
            items[to] = from >= 0 && items[from] > sorted[other] ? items[from--] : sorted[other--];
        }

        _sizes[level] = all;
        _items += sorted.Length;
    }
}
