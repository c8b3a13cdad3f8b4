using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Rows to learn from or to predict: number features first, then text features. Immutable by agreement.</summary>
internal sealed class BoostingFrame
{
    /// <summary>Creates a frame.</summary>
    /// <param name="rows">How many rows.</param>
    /// <param name="numberNames">The names of the number features.</param>
    /// <param name="numbers">Their values, shape [number features][rows]; NaN for a missing one. Kept, not copied.</param>
    /// <param name="textNames">The names of the text features.</param>
    /// <param name="texts">Their values.</param>
    internal BoostingFrame(int rows, IReadOnlyList<string> numberNames, IReadOnlyList<float[]> numbers, IReadOnlyList<string>? textNames = null, IReadOnlyList<TextColumn>? texts = null)
    {
        (Rows, NumberNames, Numbers, TextNames, Texts) = (rows, numberNames, numbers, textNames ?? [], texts ?? []);
        if (Numbers.Count != NumberNames.Count || Texts.Count != TextNames.Count || Numbers.Any(n => n.Length != rows) || Texts.Any(t => t.Rows != rows))
        {
            throw new ArgumentException($"Each feature has a name and {rows} values.", nameof(numbers));
        }
    }

    internal int Rows { get; }

    internal IReadOnlyList<string> NumberNames { get; }

    internal IReadOnlyList<float[]> Numbers { get; }

    internal IReadOnlyList<string> TextNames { get; }

    internal IReadOnlyList<TextColumn> Texts { get; }

    internal int Features => Numbers.Count + Texts.Count;

    internal string NameOf(int feature) => feature < Numbers.Count ? NumberNames[feature] : TextNames[feature - Numbers.Count];

    /// <summary>Takes the inputs of a model, and more numbers behind its own, such as its prediction.</summary>
    internal static BoostingFrame From(EncodedTable table, params IReadOnlyList<(string Name, float[] Values)> more) => new(
        table.Rows,
        [.. table.Schema.Inputs.Where(i => i.Kind == InputKind.Number).Select(i => i.Name), .. more.Select(m => m.Name)],
        [.. table.Numbers, .. more.Select(m => m.Values)],
        [.. table.Schema.Inputs.Where(i => i.Kind == InputKind.Text).Select(i => i.Name)],
        table.Texts);

    /// <summary>Takes the number and text columns of a table; times are left out, since they always move.</summary>
    internal static BoostingFrame From(Table table)
    {
        NumberColumn[] numbers = [.. table.Columns.OfType<NumberColumn>()];
        TextColumn[] texts = [.. table.Columns.OfType<TextColumn>()];
        return new BoostingFrame(
            table.Rows,
            [.. numbers.Select(c => c.Name)],
            [.. numbers.Select(c => Array.ConvertAll(c.Values, v => (float)v))],
            [.. texts.Select(c => c.Name)],
            texts);
    }

    /// <summary>Picks rows.</summary>
    internal BoostingFrame Take(int[] rows) => new(
        rows.Length, NumberNames, [.. Numbers.Select(n => Array.ConvertAll(rows, r => n[r]))], TextNames, [.. Texts.Select(t => (TextColumn)t.Take(rows))]);

    /// <summary>Puts the rows of another frame with the same features below those of this one.</summary>
    internal BoostingFrame Append(BoostingFrame other)
    {
        if (!NumberNames.SequenceEqual(other.NumberNames, StringComparer.Ordinal) || !TextNames.SequenceEqual(other.TextNames, StringComparer.Ordinal))
        {
            throw new ArgumentException($"Both frames have the same features: {string.Join(", ", NumberNames.Concat(TextNames))} against {string.Join(", ", other.NumberNames.Concat(other.TextNames))}.", nameof(other));
        }

        return new BoostingFrame(
            Rows + other.Rows,
            NumberNames,
            [.. Numbers.Select((n, i) => (float[])[.. n, .. other.Numbers[i]])],
            TextNames,
            [.. Texts.Select((t, i) => Join(t, other.Texts[i]))]);
    }

    private static TextColumn Join(TextColumn first, TextColumn second)
    {
        var dictionary = new List<string>(first.Dictionary);
        var codes = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < first.Dictionary.Length; i++)
        {
            codes.TryAdd(first.Dictionary[i], i);
        }

        int[] mapped = Array.ConvertAll(second.Dictionary, text =>
        {
            if (!codes.TryGetValue(text, out int code))
            {
                code = dictionary.Count;
                codes.Add(text, code);
                dictionary.Add(text);
            }

            return code;
        });
        return new TextColumn(first.Name, [.. first.Codes, .. second.Codes.Select(c => c < 0 ? -1 : mapped[c])], [.. dictionary]);
    }
}
