namespace Mlops.Sdk.Registry;

/// <summary>Answers queries from the facts: words from a text index that follows the changes, everything else by looking at each version.</summary>
/// <remarks>
/// A model's words (name, description, tags, card) and a version's own are separate documents, so that a new description does not touch
/// its versions. Built at the first search; changes are noted as they come and worked in at the next search. Used under the lock of the state.
/// </remarks>
internal sealed class CatalogIndex
{
    private readonly CatalogState _state;
    private readonly HashSet<ModelFacts> _changedModels = [];
    private readonly HashSet<VersionFacts> _changedVersions = [];
    private TextIndex? _text;
    private readonly List<int> _documentOfModel = [];
    private readonly List<int> _documentOfVersion = [];
    private readonly List<int> _ownerOfDocument = []; // a version's ordinal, or ~ordinal of a model; int.MinValue when taken out
    private readonly FacetTable _facets = new();

    internal CatalogIndex(CatalogState state)
    {
        _state = state;
        state.WordsChanged = Note;
    }

    internal FacetTable Facets => _facets;

    /// <summary>Finds the versions that pass a filter, with how well their words fit (0 without words).</summary>
    internal (Bits Found, Query Query) Find(CatalogFilter filter, long now)
    {
        WorkIn();
        Query query = new(this, now, _state.Versions.Count);
        Bits found = query.Run(filter, positive: true);
        if (!NamesDeleted(filter))
        {
            foreach (VersionFacts version in _state.Versions)
            {
                if (version.Deleted)
                {
                    found.Clear(version.Ordinal);
                }
            }
        }

        return (found, query);
    }

    private static bool NamesDeleted(CatalogFilter filter) => filter switch
    {
        MatchFilter match => match.Field == MatchField.State && new Wildcard(match.Pattern, false).Matches("deleted"),
        NotFilter not => NamesDeleted(not.Inner),
        AndFilter and => Array.Exists(and.Items, NamesDeleted),
        OrFilter or => Array.Exists(or.Items, NamesDeleted),
        _ => false,
    };

    private void Note(ModelFacts? model, VersionFacts? version)
    {
        if (model is null)
        {
            _text = null; // everything is new
            _facets.Clear();
        }
        else if (_text is not null)
        {
            _ = version is null ? _changedModels.Add(model) : _changedVersions.Add(version);
        }
    }

    private void WorkIn()
    {
        if (_text is null || _text.Dead > _text.Live + 1_000)
        {
            _text = new TextIndex();
            _documentOfModel.Clear();
            _documentOfVersion.Clear();
            _ownerOfDocument.Clear();
            _changedModels.Clear();
            _changedVersions.Clear();
        }

        foreach (ModelFacts model in _changedModels.Where(m => m.Ordinal < _documentOfModel.Count))
        {
            Replace(_documentOfModel, model.Ordinal, ~model.Ordinal, WordsOf(model));
        }

        foreach (VersionFacts version in _changedVersions.Where(v => v.Ordinal < _documentOfVersion.Count))
        {
            Replace(_documentOfVersion, version.Ordinal, version.Ordinal, WordsOf(version));
        }

        _changedModels.Clear();
        _changedVersions.Clear();
        while (_documentOfModel.Count < _state.Models.Count)
        {
            ModelFacts model = _state.Models[_documentOfModel.Count];
            _documentOfModel.Add(Add(~model.Ordinal, WordsOf(model)));
        }

        while (_documentOfVersion.Count < _state.Versions.Count)
        {
            VersionFacts version = _state.Versions[_documentOfVersion.Count];
            _documentOfVersion.Add(Add(version.Ordinal, WordsOf(version)));
        }
    }

    private void Replace(List<int> documents, int ordinal, int owner, TextPart[] parts)
    {
        _text!.Remove(documents[ordinal]);
        _ownerOfDocument[documents[ordinal]] = int.MinValue;
        documents[ordinal] = Add(owner, parts);
    }

    private int Add(int owner, TextPart[] parts)
    {
        _ownerOfDocument.Add(owner);
        return _text!.Add(parts);
    }

    private static TextPart[] WordsOf(ModelFacts model) =>
    [
        new TextPart(model.Name, 6, 3),
        new TextPart(model.Description ?? string.Empty, 2, 30),
        new TextPart(model.Owner ?? string.Empty, 1, 2),
        .. model.Tags.SelectMany(t => (TextPart[])[new TextPart(t.Key, 3, 2), new TextPart(t.Value, 3, 2)]),
        .. model.Sections.Select(s => new TextPart(s.Value.Text, 1, 150)),
    ];

    private static TextPart[] WordsOf(VersionFacts version) =>
    [
        new TextPart(version.Algorithm ?? string.Empty, 2, 2),
        new TextPart(version.Reason, 1, 15),
        .. version.Tags.SelectMany(t => (TextPart[])[new TextPart(t.Key, 3, 2), new TextPart(t.Value, 3, 2)]),
        .. version.Sections.Select(s => new TextPart(s.Value.Text, 1, 150)),
    ];

    /// <summary>One run of one filter.</summary>
    internal sealed class Query(CatalogIndex index, long now, int count)
    {
        // apart, so that each sum is made in the order of the query's words and equal facts give equal scores to the last bit
        private float[]? _ofModels;
        private float[]? _ofVersions;

        /// <summary>Gets how well a version's words fit: 0 without words in the query.</summary>
        internal float ScoreOf(int version) => _ofModels is null ? 0 : _ofModels[version] + _ofVersions![version];

        internal Bits Run(CatalogFilter filter, bool positive)
        {
            switch (filter)
            {
                case AllFilter:
                    Bits all = new(count);
                    all.Flip();
                    return all;
                case AndFilter and:
                    Bits both = Run(and.Items[0], positive);
                    foreach (CatalogFilter item in and.Items.AsSpan(1))
                    {
                        both.And(Run(item, positive));
                    }

                    return both;
                case OrFilter or:
                    Bits either = Run(or.Items[0], positive);
                    foreach (CatalogFilter item in or.Items.AsSpan(1))
                    {
                        either.Or(Run(item, positive));
                    }

                    return either;
                case NotFilter not:
                    Bits other = Run(not.Inner, !positive);
                    other.Flip();
                    return other;
                case WordFilter word:
                    return Words(word.Text, positive);
                case PhraseFilter phrase:
                    return Phrase(phrase.Text, positive);
                default:
                    return Look(Test(filter));
            }
        }

        private Bits Words(string text, bool positive)
        {
            Bits? all = null;
            foreach (string word in TextTokens.Cut(text))
            {
                Bits found = Word(word, prefix: true, positive);
                if (all is null)
                {
                    all = found;
                }
                else
                {
                    all.And(found);
                }
            }

            return all ?? new Bits(count);
        }

        private Bits Word(string word, bool prefix, bool positive)
        {
            Bits found = new(count);
            Prepare(positive);
            index._text!.Find(word, prefix, (document, score) => Hit(index._ownerOfDocument[document], score, found, positive));
            return found;
        }

        private Bits Phrase(string text, bool positive)
        {
            List<string> words = TextTokens.Cut(text);
            Bits found = new(count);
            int[]? terms = index._text!.TermsOf(words);
            if (terms is null)
            {
                return found;
            }

            Prepare(positive);
            index._text.Find(words[0], prefix: false, (document, score) =>
            {
                if (index._text.HasPhrase(document, terms))
                {
                    Hit(index._ownerOfDocument[document], score * terms.Length, found, positive);
                }
            });
            return found;
        }

        private void Prepare(bool positive)
        {
            if (positive && _ofModels is null)
            {
                (_ofModels, _ofVersions) = (new float[count], new float[count]);
            }
        }

        private void Hit(int owner, float score, Bits found, bool positive)
        {
            if (owner >= 0)
            {
                found.Set(owner);
                if (positive)
                {
                    _ofVersions![owner] += score;
                }

                return;
            }

            foreach (VersionFacts version in index._state.Models[~owner].Versions)
            {
                found.Set(version.Ordinal);
                if (positive)
                {
                    _ofModels![version.Ordinal] += score;
                }
            }
        }

        private Bits Look(Func<VersionFacts, bool> test)
        {
            Bits found = new(count);
            foreach (VersionFacts version in index._state.Versions)
            {
                if (test(version))
                {
                    found.Set(version.Ordinal);
                }
            }

            return found;
        }

        private Func<VersionFacts, bool> Test(CatalogFilter filter) => filter switch
        {
            MatchFilter match => Test(match, new Wildcard(match.Pattern, match.MatchCase)),
            NumberFilter { Field: NumberField.Metric } number => v => v.Metric(number.Key!) is { } metric && Holds(number.Comparison, metric.Value.CompareTo(number.Value)),
            NumberFilter { Field: NumberField.Version } number => v => Holds(number.Comparison, ((double)v.Number).CompareTo(number.Value)),
            NumberFilter { Field: NumberField.Approvals } number => v => Holds(number.Comparison, ((double)v.Approvals.Count).CompareTo(number.Value)),
            NumberFilter { Field: NumberField.Rows } number => v => v.Dataset is { } dataset && Holds(number.Comparison, ((double)dataset.Rows).CompareTo(number.Value)),
            NumberFilter { Field: NumberField.Rating } number => v => v.Model.Feedback.Summary is { } rating && Holds(number.Comparison, rating.Mean.CompareTo(number.Value)),
            NumberFilter { Field: NumberField.Ratings } number => v => Holds(number.Comparison, ((double)v.Model.Feedback.Ratings.Count).CompareTo(number.Value)),
            NumberFilter { Field: NumberField.Requests } number => v => Holds(number.Comparison, ((double)v.Model.Feedback.Open).CompareTo(number.Value)),
            TimeFilter time => v => Holds(time.Comparison, v.At.CompareTo(time.Ticks)),
            AgeFilter age => v => Holds(age.Comparison, (now - v.At).CompareTo(age.Minutes * TimeSpan.TicksPerMinute)),
            FlagFilter { Field: FlagField.Deprecated } flag => v => v.Deprecated == flag.Wanted,
            FlagFilter { Field: FlagField.Approved } flag => v => v.Approvals.Count > 0 == flag.Wanted,
            FlagFilter { Field: FlagField.Signed } flag => v => v.Signed == flag.Wanted,
            FlagFilter { Field: FlagField.Live } flag => v => v.IsLive == flag.Wanted,
            _ => throw new NotSupportedException($"{filter.GetType().Name} cannot be searched by."),
        };

        private static Func<VersionFacts, bool> Test(MatchFilter match, Wildcard pattern)
        {
            Func<string?, bool> matches = Remember(pattern);
            return match.Field switch
            {
                MatchField.Model => v => matches(v.Model.Name),
                MatchField.Alias => v => v.Model.Aliases.Exists(a => a.Value == v.Number && matches(a.Key)),
                MatchField.Owner => v => matches(v.Model.Owner),
                MatchField.Task => v => v.Task is { } task && matches(FacetTable.Name(task)),
                MatchField.Stage => v => matches(v.StageName),
                MatchField.State => v => matches(v.Deleted ? "deleted" : v.Status == VersionStatus.Rejected ? "rejected" : "validated"),
                MatchField.Algorithm => v => matches(v.Algorithm),
                MatchField.Format => v => matches(v.Format),
                MatchField.Run => v => pattern.Matches(v.RunId),
                MatchField.By => v => matches(v.By),
                MatchField.Dataset => v => v.Dataset is { } dataset && (matches(dataset.Source) || pattern.Matches(dataset.Fingerprint.ToString())),
                MatchField.Drift => v => matches(FacetTable.Name(v.Drift)),
                MatchField.Tag when match.Key is { } key => v => Pairs.Find(v.Tags, key, out string? value) || Pairs.Find(v.Model.Tags, key, out value) ? matches(value) : false,
                MatchField.Tag => v => v.Tags.Exists(t => matches(t.Key)) || v.Model.Tags.Exists(t => matches(t.Key)),
                _ => throw new NotSupportedException($"{match.Field} cannot be searched by."),
            };
        }

        /// <summary>Neighbours often share one text object: the last answer is kept.</summary>
        private static Func<string?, bool> Remember(Wildcard pattern)
        {
            string? last = null;
            bool answer = false;
            return text =>
            {
                if (!ReferenceEquals(text, last))
                {
                    (last, answer) = (text, pattern.Matches(text));
                }

                return text is not null && answer;
            };
        }

        private static bool Holds(CatalogComparison comparison, int order) => comparison switch
        {
            CatalogComparison.Equal => order == 0,
            CatalogComparison.NotEqual => order != 0,
            CatalogComparison.Less => order < 0,
            CatalogComparison.LessOrEqual => order <= 0,
            CatalogComparison.Greater => order > 0,
            _ => order >= 0,
        };
    }
}
