using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlops.Sdk.MLNet;

/// <summary>Finds the order of concatenated columns by the names of the slots, which are made from the columns' names.</summary>
internal static class Concatenation
{
    internal static Symbol Read(DataViewSchema.Column output, string[] sources, Func<string, Symbol> find)
    {
        if (output.Type is not VectorDataViewType { IsKnownSize: true } type || type.ItemType != NumberDataViewType.Single)
        {
            return new UnknownSymbol($"'{output.Name}' is no vector of numbers of a known size");
        }

        var candidates = new List<(string Name, VectorSymbol Vector)>();
        foreach (string source in sources)
        {
            switch (find(source))
            {
                case NumberSymbol number:
                    candidates.Add((source, new VectorSymbol([number.Feature], [source])));
                    break;
                case VectorSymbol vector:
                    candidates.Add((source, vector with { Names = [.. vector.Names.Select(n => n.Length == 0 ? "" : $"{source}.{n}")] }));
                    break;
                case UnknownSymbol unknown:
                    return unknown;
                default:
                    return new UnknownSymbol($"'{source}' is concatenated and is not numbers");
            }
        }

        if (candidates is [var (_, only)] && only.Names.Count == type.Size)
        {
            return only with { Names = find(sources[0]) is VectorSymbol same ? same.Names : only.Names }; // ML.NET passes a lone vector on as it is
        }

        if (!output.HasSlotNames())
        {
            return new UnknownSymbol($"the slots of '{output.Name}' have no names, so that the order of its columns is not known");
        }

        VBuffer<ReadOnlyMemory<char>> buffer = default;
        output.GetSlotNames(ref buffer);
        string[] names = [.. buffer.DenseValues().Select(n => n.ToString())];
        var order = new List<VectorSymbol>();
        return Fill(names, 0, candidates, order)
            ? new VectorSymbol([.. order.SelectMany(v => v.Parts)], names) { Density = order.Select(v => v.Density ?? (Mixed(v) ? "a concatenated vector is concatenated again" : null)).FirstOrDefault(d => d is not null) }
            : new UnknownSymbol($"the names of the slots of '{output.Name}' do not tell the order of its columns");
    }

    private static bool Mixed(VectorSymbol vector) => vector.Parts.Count > 1 && vector.Parts.Any(p => p is CategoryFeature);

    /// <summary>Lays columns end to end until all slots are named right. Every column is used, some perhaps twice.</summary>
    private static bool Fill(string[] names, int at, List<(string Name, VectorSymbol Vector)> candidates, List<VectorSymbol> order)
    {
        if (at == names.Length)
        {
            return candidates.All(c => order.Contains(c.Vector));
        }

        // columns that are still to be used come first
        foreach ((_, VectorSymbol vector) in candidates.OrderBy(c => order.Contains(c.Vector)))
        {
            int width = vector.Names.Count;
            if (at + width <= names.Length && vector.Names.SequenceEqual(names.AsSpan(at, width).ToArray(), StringComparer.Ordinal))
            {
                order.Add(vector);
                if (Fill(names, at + width, candidates, order))
                {
                    return true;
                }

                order.RemoveAt(order.Count - 1);
            }
        }

        return false;
    }
}
