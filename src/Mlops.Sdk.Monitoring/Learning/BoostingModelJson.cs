using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>A boosted model as it is stored.</summary>
internal sealed record BoostingDocument
{
    internal const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;

    public required string Loss { get; init; }

    public required double Start { get; init; }

    public required string[] Names { get; init; }

    public required float[][] Edges { get; init; }

    public required string[][] Categories { get; init; }

    public required double[] Gains { get; init; }

    public required BoostingTreeDocument[] Trees { get; init; }
}

/// <summary>A tree as it is stored: its nodes in columns; four words of <see cref="LeftBins"/> a node that is split, in order.</summary>
internal sealed record BoostingTreeDocument(int[] Features, int[] Left, int[] Right, double[] Values, ulong[] LeftBins);

/// <summary>Writes and reads boosted models.</summary>
internal static class BoostingModelFile
{
    private const int MaxBytes = 64 << 20;

    /// <summary>Writes a model.</summary>
    /// <returns>UTF-8 JSON of format <see cref="BoostingDocument.CurrentFormat"/>.</returns>
    internal static byte[] Serialize(BoostingModel model) => JsonSerializer.SerializeToUtf8Bytes(
        new BoostingDocument
        {
            Loss = model.Loss == BoostingLoss.Logistic ? "logistic" : "squared",
            Start = model.Start,
            Names = [.. model.Bins.Names],
            Edges = model.Bins.Edges,
            Categories = model.Bins.Categories,
            Gains = [.. model.Gains],
            Trees = [.. model.Trees.Select(t => Write(t.Nodes))],
        },
        BoostingJson.Default.BoostingDocument);

    /// <summary>Reads a model.</summary>
    /// <param name="json">Its bytes, at most 64 MiB, from anywhere.</param>
    /// <exception cref="MlopsIntegrityException">The bytes are no such model (<c>monitoring.unreadable_model</c>) or one of a newer format (<c>monitoring.newer_format</c>).</exception>
    internal static BoostingModel Deserialize(ReadOnlySpan<byte> json)
    {
        BoostingDocument? document;
        try
        {
            document = json.Length <= MaxBytes ? JsonSerializer.Deserialize(json, BoostingJson.Default.BoostingDocument) : null;
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("monitoring.unreadable_model", $"A learned model of monitoring is expected; the bytes do not read as one: {error.Message}", error);
        }

        if (document is { Format: > BoostingDocument.CurrentFormat })
        {
            throw new MlopsIntegrityException("monitoring.newer_format", $"The learned model has format {document.Format}; this version of the library reads up to {BoostingDocument.CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        if (document is null || !IsSane(document))
        {
            throw new MlopsIntegrityException("monitoring.unreadable_model", $"A learned model of monitoring of at most {MaxBytes} bytes with consistent trees is expected; the bytes found are not one. Learn it again.");
        }

        return new BoostingModel(
            document.Loss == "logistic" ? BoostingLoss.Logistic : BoostingLoss.Squared,
            new BoostingBins(document.Names, document.Edges, document.Categories),
            document.Start,
            [.. document.Trees.Select(t => new BoostingTree(Read(t)))],
            document.Gains);
    }

    private static BoostingTreeDocument Write(BoostingNode[] nodes)
    {
        var bins = new List<ulong>();
        foreach (BoostingNode node in nodes.Where(n => n.Feature >= 0))
        {
            for (int word = 0; word < 4; word++)
            {
                bins.Add(node.LeftBins[word]);
            }
        }

        return new BoostingTreeDocument(
            Array.ConvertAll(nodes, n => n.Feature), Array.ConvertAll(nodes, n => n.Left), Array.ConvertAll(nodes, n => n.Right), Array.ConvertAll(nodes, n => n.Value), [.. bins]);
    }

    private static BoostingNode[] Read(BoostingTreeDocument tree)
    {
        var nodes = new BoostingNode[tree.Features.Length];
        int at = 0;
        for (int i = 0; i < nodes.Length; i++)
        {
            nodes[i] = new BoostingNode { Feature = tree.Features[i], Left = tree.Left[i], Right = tree.Right[i], Value = tree.Values[i] };
            for (int word = 0; word < 4 && tree.Features[i] >= 0; word++)
            {
                nodes[i].LeftBins[word] = tree.LeftBins[at++];
            }
        }

        return nodes;
    }

    private static bool IsSane(BoostingDocument d)
    {
        if (d.Loss is not ("logistic" or "squared") || !double.IsFinite(d.Start) || d.Names is null || d.Edges is null || d.Categories is null || d.Gains is null || d.Trees is null)
        {
            return false;
        }

        int features = d.Edges.Length + d.Categories.Length;
        return d.Names.Length == features && d.Gains.Length == features && Array.TrueForAll(d.Names, n => n is not null) && Array.TrueForAll(d.Gains, double.IsFinite)
            && Array.TrueForAll(d.Edges, e => e is { Length: <= 254 } && Rises(e))
            && Array.TrueForAll(d.Categories, c => c is { Length: <= 254 } && Array.TrueForAll(c, t => t is not null))
            && Array.TrueForAll(d.Trees, t => IsSane(t, features));
    }

    private static bool Rises(float[] edges)
    {
        for (int i = 0; i < edges.Length; i++)
        {
            if (float.IsNaN(edges[i]) || (i > 0 && !(edges[i] > edges[i - 1])))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsSane(BoostingTreeDocument? t, int features)
    {
        if (t is not { Features.Length: > 0, Left: not null, Right: not null, Values: not null, LeftBins: not null })
        {
            return false;
        }

        int count = t.Features.Length;
        int splits = t.Features.Count(f => f >= 0);
        if (t.Left.Length != count || t.Right.Length != count || t.Values.Length != count || t.LeftBins.Length != 4 * splits || !Array.TrueForAll(t.Values, double.IsFinite))
        {
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            // children lie behind their parent, so that every walk ends
            if (t.Features[i] < -1 || t.Features[i] >= features
                || (t.Features[i] >= 0 && !(t.Left[i] > i && t.Left[i] < count && t.Right[i] > i && t.Right[i] < count)))
            {
                return false;
            }
        }

        return true;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, MaxDepth = 16)]
[JsonSerializable(typeof(BoostingDocument))]
internal sealed partial class BoostingJson : JsonSerializerContext;
