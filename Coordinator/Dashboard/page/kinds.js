// What can be asked for, as the form for a new job shows it. The coordinator judges every value again.

export const kinds = {
    correlation: {title: 'Correlation', text: 'Every pair: minimum, maximum, mean, exact median, neighbours', pairs: true,
        top: true},
    clusters: {title: 'Clusters', text: 'HDBSCAN, UMAP, hierarchical, k-means, spanning tree'},
    features: {title: 'Features', text: 'Sharpe, drawdown, tails and more of each alpha'},
    selection: {title: 'Selection', text: 'Which to keep, which to submit first, which are unique', pairs: true},
    'cross-correlation': {title: 'Candidates', text: 'Unsubmitted alphas against the submitted ones', pool: 'unsubmitted'},
};

export const conventions = [['', 'As the region has it'], 'ffill-shift', 'ffill-diff', 'common-dates', 'alphadatabank',
    'daily-pnl'];

// [name, label, options of the field]
export const parameters = {
    clusters: [
        ['methods', 'Methods', {value: 'umap,hdbscan',
            hint: 'hdbscan, dbscan, single, complete, average, ward, kmeans, pca, umap, tsne, mst'}],
        ['distance', 'Distance', {choices: [['', 'sqrt(2(1\u2212r))'], ['sqrt((1-r)/2)', 'sqrt((1\u2212r)/2)'],
            ['1-r', '1\u2212r']]}],
        ['min_cluster_size', 'Smallest cluster', {type: 'number', placeholder: '15', min: 2}],
        ['clusters', 'Clusters', {type: 'number', placeholder: 'chosen', min: 2, hint: 'of hierarchical methods and k-means'}],
        ['dimensions', 'Dimensions of UMAP', {choices: [['', '2'], ['3', '3']]}],
        ['neighbours', 'Neighbours of UMAP', {type: 'number', placeholder: '15', min: 2, max: 101}],
        ['seed', 'Seed', {type: 'number', placeholder: '42'}],
    ],
    selection: [
        ['count', 'At most', {type: 'number', placeholder: 'no bound', min: 1, hint: 'alphas to keep'}],
        ['weight', 'Weight', {choices: [['', 'sharpe'], 'fitness', 'returns', 'margin', 'equal']}],
    ],
};
