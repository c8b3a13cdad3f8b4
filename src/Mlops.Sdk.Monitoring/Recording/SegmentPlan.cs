using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Which part of the rows a row belongs to: exactly one, so that the parts add up to the whole.</summary>
/// <remarks>
/// Segments by a feature are its most frequent categories in the reference, so that they are the same on every host; then one for all other
/// categories and one for missing ones. Segments by route are the routes that come first in this process; then one for all other ones and one for none.
/// </remarks>
internal sealed class SegmentPlan
{
    private readonly string _by;
    private readonly int _most;
    private readonly int _slot;                 // the place among the text inputs; -1 for the route
    private readonly CategoryCodes? _codes;
    private readonly Lock _gate = new();
    private string[] _names;                    // replaced whole, never written into

    private SegmentPlan(string by, int most, int slot, CategoryCodes? codes, string[] names)
    {
        _by = by;
        _most = most;
        _slot = slot;
        _codes = codes;
        _names = names;
    }

    /// <summary>Gets how many cells there can be: the named ones, other, missing.</summary>
    internal int Cells => _most + 2;

    /// <exception cref="MlopsDataException">There is no such text input.</exception>
    internal static SegmentPlan? Create(string model, int version, ReferenceFeature[] features, CategoryCodes[] codes, SegmentWish? wish)
    {
        if (wish is null)
        {
            return null;
        }

        if (wish.By == RecordingOptions.ByRoute)
        {
            return new SegmentPlan("route", wish.Most, -1, null, []);
        }

        ReferenceFeature[] texts = [.. features.Where(f => f.Kind == InputKind.Text)];
        int slot = Array.FindIndex(texts, f => f.Name == wish.By);
        return slot >= 0
            ? new SegmentPlan(wish.By, wish.Most, slot, codes[slot], [.. texts[slot].Categories.Take(wish.Most)])
            : throw new MlopsDataException("monitoring.unknown_segment", $"Rows of {model} v{version} are to be counted by '{wish.By}', and there is no such text input, only [{string.Join(", ", texts.Select(t => t.Name))}]. Name one of them in RecordingOptions.SegmentBy, or RecordingOptions.ByRoute.");
    }

    internal int CellOf(ReadOnlySpan<string?> texts, string? route)
    {
        if (_codes is null)
        {
            return route is null ? _most + 1 : RouteCell(route);
        }

        if ((uint)_slot >= (uint)texts.Length || texts[_slot] is not { } text)
        {
            return _most + 1;
        }

        // categories are listed by falling frequency, so the first codes are the segments
        return Math.Min(_codes.CodeOf(text), _most);
    }

    internal string NameOf(int cell) => $"{_by}={(cell == _most + 1 ? (_codes is null ? "(none)" : "(missing)") : cell < Volatile.Read(ref _names).Length ? _names[cell] : "(other)")}";

    private int RouteCell(string route)
    {
        string[] names = Volatile.Read(ref _names);
        int at = Array.IndexOf(names, route);
        if (at >= 0)
        {
            return at;
        }

        if (names.Length >= _most)
        {
            return _most;
        }

        lock (_gate)
        {
            at = Array.IndexOf(_names, route);
            if (at < 0 && _names.Length < _most)
            {
                at = _names.Length;
                Volatile.Write(ref _names, [.. _names, route]);
            }

            return at < 0 ? _most : at;
        }
    }
}
