namespace Mlops.Sdk.Monitoring;

/// <summary>Makes windows of a kind from smaller ones that come in the order of their beginnings: tumbling and calendar ones by span, sliding ones by steps, others by count.</summary>
internal sealed class WindowRoller(WindowKind kind, Func<string> newId)
{
    private readonly Queue<MonitorWindow> _steps = new();
    private readonly List<MonitorWindow> _pane = [];
    private (DateTimeOffset From, DateTimeOffset To) _span;
    private DateTimeOffset _end;

    /// <summary>Takes a window in.</summary>
    /// <returns>The windows that are complete with it.</returns>
    internal IEnumerable<MonitorWindow> Add(MonitorWindow window)
    {
        var done = new List<MonitorWindow>();
        if (kind.Rows > 0)
        {
            _pane.Add(window);
            if (_pane.Sum(w => w.Rows) >= kind.Rows)
            {
                done.Add(Take(null));
            }

            return done;
        }

        (DateTimeOffset From, DateTimeOffset To) span = kind.SpanOf(window.From);
        if (_pane.Count > 0 && span.From != _span.From)
        {
            ClosePane(done);
        }

        _span = span;
        _pane.Add(window);
        if (_pane.Count > 16)
        {
            MonitorWindow merged = MonitorWindow.Merge(newId(), _pane); // memory stays bounded however many there are
            _pane.Clear();
            _pane.Add(merged);
        }

        return done;
    }

    /// <summary>Takes in all rows of a span, or of a count, at once.</summary>
    /// <returns>The windows that are complete with it.</returns>
    internal IEnumerable<MonitorWindow> AddWhole(MonitorWindow pane)
    {
        var done = new List<MonitorWindow>();
        _pane.Add(pane);
        if (kind.Rows > 0)
        {
            done.Add(Take(null));
        }
        else
        {
            _span = (pane.From, pane.To);
            ClosePane(done);
        }

        return done;
    }

    /// <summary>Ends the stream.</summary>
    /// <returns>What is left.</returns>
    internal IEnumerable<MonitorWindow> End()
    {
        var done = new List<MonitorWindow>();
        if (kind.Rows > 0)
        {
            if (_pane.Count > 0)
            {
                done.Add(Take(null));
            }

            return done;
        }

        if (_pane.Count > 0)
        {
            ClosePane(done);
        }

        while (_steps.Count > 0)
        {
            Slide(done);
        }

        return done;
    }

    private void ClosePane(List<MonitorWindow> done)
    {
        MonitorWindow pane = Take(_span);
        if (kind.Step == default)
        {
            done.Add(pane);
            return;
        }

        while (_steps.Count > 0 && _end + kind.Step < pane.To)
        {
            Slide(done); // steps in which nothing came
        }

        _steps.Enqueue(pane);
        _end = pane.To - kind.Step;
        Slide(done);
    }

    /// <summary>Closes the sliding window that ends one step later.</summary>
    private void Slide(List<MonitorWindow> done)
    {
        _end += kind.Step;
        while (_steps.TryPeek(out MonitorWindow? oldest) && oldest.From < _end - kind.Length)
        {
            _steps.Dequeue();
        }

        if (_steps.Count > 0)
        {
            done.Add(MonitorWindow.Merge(newId(), [.. _steps]) with { From = _end - kind.Length, To = _end });
        }
    }

    private MonitorWindow Take((DateTimeOffset From, DateTimeOffset To)? span)
    {
        MonitorWindow window = MonitorWindow.Merge(newId(), _pane);
        _pane.Clear();
        return span is { } s ? window with { From = s.From, To = s.To } : window;
    }
}
