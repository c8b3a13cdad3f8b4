using System.Buffers.Binary;
using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Expects the loss of a regression's answer from the inputs and the answer itself: direct loss estimation (DLE). Stored with a version as <c>loss-model.bin</c>. Immutable and thread-safe.</summary>
/// <remarks>
/// Two models of boosted trees, of the absolute and of the squared error, learned from rows that the model itself has not seen. The mean of
/// their expectations over a window estimates the mean absolute error, the root of the mean the root mean squared error. Valid while errors
/// hang on inputs and answer as in the reference: inputs may shift; concept drift is not seen.
/// </remarks>
internal sealed class LossModel
{
    internal const string FileName = "loss-model.bin";
    internal const int MaxBytes = 16 << 20;
    private const byte CurrentFormat = 1;
    private const int Rounds = 40;
    private const int MaxFeatures = 4_096;
    private static readonly byte[] Magic = "MLDL"u8.ToArray();

    private readonly BoostingModel _absolute;
    private readonly BoostingModel _squared;

    private LossModel(BoostingModel absolute, BoostingModel squared) => (_absolute, _squared) = (absolute, squared);

    internal IReadOnlyList<string> Features => _absolute.Bins.Names;

    internal static LossModel Fit(EncodedTable rows, float[] answers, IReadOnlyList<double> truths)
    {
        BoostingFrame frame = BoostingFrame.From(rows, ("(answer)", answers));
        float[] absolute = [.. answers.Select((a, i) => (float)Math.Abs(a - truths[i]))];
        float[] squared = [.. absolute.Select(a => a * a)];
        var options = new BoostingOptions { Rounds = Rounds, MaxLeaves = 15, MaxDepth = 4, MaxBins = 64, MinRowsPerLeaf = Math.Clamp(rows.Rows / 50, 5, 100) };
        return new LossModel(Learn(frame, absolute, options), Learn(frame, squared, options));
    }

    /// <summary>Expects the losses of one answer; nothing is allocated. Neither is below 0.</summary>
    /// <param name="row">The row.</param>
    /// <param name="answer">The model's answer for it.</param>
    internal (double Absolute, double Squared) Expect(in ModelRow row, float answer)
    {
        const int Stack = 256;
        int count = row.Numbers.Length + 1;
        Span<float> numbers = count <= Stack ? stackalloc float[Stack] : new float[count];
        row.Numbers.CopyTo(numbers);
        numbers[row.Numbers.Length] = answer;
        numbers = numbers[..count];
        return (Math.Max(0, _absolute.Predict(numbers, row.Texts)), Math.Max(0, _squared.Predict(numbers, row.Texts)));
    }

    internal bool Fits(ModelSchema schema) =>
        schema.Inputs.Count(i => i.Kind == InputKind.Number) + 1 == _absolute.Bins.Edges.Length && schema.Inputs.Count(i => i.Kind == InputKind.Text) == _absolute.Bins.Categories.Length;

    internal bool Fits(in ModelRow row) => row.Numbers.Length + 1 == _absolute.Bins.Edges.Length && row.Texts.Length == _absolute.Bins.Categories.Length;

    /// <summary>Estimates the metrics of a window from sums of expected losses.</summary>
    internal static SortedDictionary<string, MetricValue> Estimate(PerformanceReference? reference, LossSums sums)
    {
        var metrics = new SortedDictionary<string, MetricValue>(StringComparer.Ordinal);
        if (sums.Rows == 0)
        {
            return metrics;
        }

        double absolute = sums.Absolute / sums.Rows;
        double squared = sums.Squared / sums.Rows;
        double spread = Math.Sqrt(Math.Max(0, squared - (absolute * absolute)) / sums.Rows); // the expected square and mean of a loss tell its variance
        Add(PerformanceNames.Mae, absolute, spread);
        Add(PerformanceNames.Rmse, Math.Sqrt(squared), 0);
        return metrics;

        void Add(string name, double value, double sampling)
        {
            // losses that are larger than the reference's vary more, in proportion
            double scale = reference?.Metrics.GetValueOrDefault(name)?.Value is > 0 and var before ? Math.Max(1, value / before) : 1;
            metrics[name] = MetricIntervals.Normal(value, (reference?.StandardErrorOf(name, sums.Rows, sampling / scale) ?? double.PositiveInfinity) * scale, 0);
        }
    }

    /// <summary>Writes the model: magic, format, bins, two models. Little-endian.</summary>
    internal byte[] Serialize()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Magic);
        writer.Write(CurrentFormat);
        BoostingBins bins = _absolute.Bins;
        writer.Write(bins.Edges.Length);
        writer.Write(bins.Categories.Length);
        foreach (string name in bins.Names)
        {
            Write(writer, name);
        }

        foreach (float[] edges in bins.Edges)
        {
            writer.Write((ushort)edges.Length);
            foreach (float edge in edges)
            {
                writer.Write(edge);
            }
        }

        foreach (string[] categories in bins.Categories)
        {
            writer.Write((ushort)categories.Length);
            foreach (string category in categories)
            {
                Write(writer, category);
            }
        }

        Write(writer, _absolute);
        Write(writer, _squared);
        writer.Flush();
        return stream.ToArray();
    }

    /// <exception cref="MlopsIntegrityException">The bytes are no loss model (<c>monitoring.unreadable_reference</c>) or of a newer format (<c>monitoring.newer_format</c>).</exception>
    internal static LossModel Deserialize(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is < 13 or > MaxBytes || !bytes.StartsWith(Magic))
        {
            throw Unreadable("they do not begin as one, or are too many", null);
        }

        if (bytes[4] > CurrentFormat)
        {
            throw new MlopsIntegrityException("monitoring.newer_format", $"The {FileName} has format {bytes[4]}; this version of the library reads up to {CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        try
        {
            var reader = new Reader(bytes[5..]);
            int numbers = reader.Count(MaxFeatures, 4);
            int texts = reader.Count(MaxFeatures, 4);
            string[] names = new string[numbers + texts];
            for (int i = 0; i < names.Length; i++)
            {
                names[i] = reader.Text();
            }

            float[][] edges = new float[numbers][];
            for (int i = 0; i < numbers; i++)
            {
                edges[i] = new float[reader.Length(254, 4)];
                for (int e = 0; e < edges[i].Length; e++)
                {
                    edges[i][e] = reader.Single();
                    Require(float.IsFinite(edges[i][e]) && (e == 0 || edges[i][e] > edges[i][e - 1]), "edges do not rise");
                }
            }

            string[][] categories = new string[texts][];
            for (int i = 0; i < texts; i++)
            {
                categories[i] = new string[reader.Length(254, 2)];
                for (int c = 0; c < categories[i].Length; c++)
                {
                    categories[i][c] = reader.Text();
                }

                Require(categories[i].Distinct(StringComparer.Ordinal).Count() == categories[i].Length, "a category is listed twice");
            }

            var bins = new BoostingBins(names, edges, categories);
            BoostingModel absolute = ReadModel(ref reader, bins);
            BoostingModel squared = ReadModel(ref reader, bins);
            Require(reader.Left == 0, "something follows it");
            return new LossModel(absolute, squared);
        }
        catch (FormatException error)
        {
            throw Unreadable(error.Message, error);
        }
    }

    private static BoostingModel Learn(BoostingFrame frame, float[] losses, BoostingOptions options) => HistogramBoosting.Fit(frame, losses, options);

    private static void Write(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ushort)Math.Min(bytes.Length, ushort.MaxValue));
        writer.Write(bytes, 0, Math.Min(bytes.Length, ushort.MaxValue));
    }

    private static void Write(BinaryWriter writer, BoostingModel model)
    {
        writer.Write(model.Start);
        writer.Write((ushort)model.Trees.Count);
        foreach (BoostingTree tree in model.Trees)
        {
            writer.Write((ushort)tree.Nodes.Length);
            foreach (BoostingNode node in tree.Nodes)
            {
                writer.Write((short)node.Feature);
                if (node.Feature < 0)
                {
                    writer.Write(node.Value);
                    continue;
                }

                writer.Write((ushort)node.Left);
                writer.Write((ushort)node.Right);
                byte[] set = new byte[32];
                for (int bin = 0; bin < 256; bin++)
                {
                    set[bin >> 3] |= (byte)(node.LeftBins.Contains(bin) ? 1 << (bin & 7) : 0);
                }

                writer.Write(set);
            }
        }
    }

    private static BoostingModel ReadModel(ref Reader reader, BoostingBins bins)
    {
        double start = reader.Double();
        Require(double.IsFinite(start), "its start is not finite");
        var trees = new BoostingTree[reader.Length(1_000, 12)];
        for (int t = 0; t < trees.Length; t++)
        {
            var nodes = new BoostingNode[reader.Length(4_096, 10)];
            Require(nodes.Length > 0, "a tree is empty");
            for (int n = 0; n < nodes.Length; n++)
            {
                nodes[n].Feature = reader.Int16();
                if (nodes[n].Feature < 0)
                {
                    Require(nodes[n].Feature == -1, "a node is of no feature");
                    nodes[n].Value = reader.Double();
                    Require(double.IsFinite(nodes[n].Value), "a leaf is not finite");
                    continue;
                }

                (nodes[n].Left, nodes[n].Right) = (reader.UInt16(), reader.UInt16());

                // children come later than their parent, so a walk ends
                Require(nodes[n].Feature < bins.Features && nodes[n].Left > n && nodes[n].Right > n && nodes[n].Left < nodes.Length && nodes[n].Right < nodes.Length, "a node leads nowhere");
                ReadOnlySpan<byte> set = reader.Take(32);
                for (int bin = 0; bin < 256; bin++)
                {
                    if ((set[bin >> 3] & (1 << (bin & 7))) != 0)
                    {
                        nodes[n].LeftBins.Add(bin);
                    }
                }
            }

            trees[t] = new BoostingTree(nodes);
        }

        return new BoostingModel(BoostingLoss.Squared, bins, start, trees, new double[bins.Features]);
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new FormatException(what);
        }
    }

    private static MlopsIntegrityException Unreadable(string what, Exception? cause) =>
        new("monitoring.unreadable_reference", $"A {FileName} of at most {MaxBytes} bytes is expected; the bytes found are not one: {what}. Restore it from a copy.", cause);

    /// <summary>Reads numbers; every count is held against what is left before anything is allocated.</summary>
    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        internal readonly int Left => _rest.Length;

        internal ReadOnlySpan<byte> Take(int count)
        {
            Require(count <= _rest.Length, "it ends too early");
            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        internal int Count(int most, int leastBytesEach)
        {
            int count = BinaryPrimitives.ReadInt32LittleEndian(Take(4));
            Require(count >= 0 && count <= most && count <= _rest.Length / leastBytesEach, "a count is larger than what follows");
            return count;
        }

        internal int Length(int most, int leastBytesEach)
        {
            int count = UInt16();
            Require(count <= most && count <= _rest.Length / leastBytesEach, "a count is larger than what follows");
            return count;
        }

        internal ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

        internal short Int16() => BinaryPrimitives.ReadInt16LittleEndian(Take(2));

        internal float Single() => BinaryPrimitives.ReadSingleLittleEndian(Take(4));

        internal double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

        internal string Text()
        {
            int length = UInt16();
            return Encoding.UTF8.GetString(Take(length));
        }
    }
}
